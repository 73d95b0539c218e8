import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";

export interface Line {
  name: string;
  colour: string;
  values: (number | null)[];
  fill?: boolean;
}

export interface ChartMark {
  at: number;
  text: string;
}

/** Lines over time, with changes as marks on them; `times` are seconds. Said in words too, for who cannot see it. */
export function Chart({ times, lines, marks = [], height = 170, label, format = String }: { times: number[]; lines: Line[]; marks?: ChartMark[]; height?: number; label: string; format?: (value: number) => string }) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme("light");
  const shape = JSON.stringify([lines.map((line) => [line.name, line.colour, line.fill, line.values.filter((value) => value !== null).length < 4]), scheme, height, width > 0]);
  const latest = useRef({ marks, format });
  latest.current = { marks, format };
  const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;

  useEffect(() => {
    const target = place.current;
    if (!target || target.clientWidth === 0) return;
    const style = getComputedStyle(document.documentElement);
    const dim = style.getPropertyValue("--dim").trim();
    const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
    const axis = { stroke: dim, grid, ticks: grid, font: "11px system-ui, sans-serif" };
    const made = new uPlot(
      {
        width: target.clientWidth,
        height,
        padding: [14, 22, 0, 0],
        legend: { show: false },
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        // A step counts from its beginning, so the last one has room behind it.
        scales: { x: { range: (_, low, high) => [low, high + (high - low) / Math.max(1, data[0].length - 1)] }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
        axes: [{ ...axis, space: 64, values: (_, ticks) => ticks.map((tick, place) => clock(tick, ticks[place - 1])) }, { ...axis, size: 58, space: 24, values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)) }],
        series: [{}, ...lines.map((line) => ({ label: line.name, stroke: line.colour, width: 1.8, points: { show: line.values.filter((value) => value !== null).length < 4, size: 5 }, ...(line.fill ? { fill: `${line.colour}22` } : {}) }))],
        hooks: { draw: [(self) => drawMarks(self, latest.current.marks, dim)] },
      },
      data,
      target,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
    // The data go in below; a new plot is needed only for another shape.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(data);
  });

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  return (
    <figure className="chart" ref={ref}>
      <div ref={place} role="img" aria-label={`${label}: ${lines.map((line) => `${line.name} ${spoken(line.values, format)}`).join("; ")}`} />
      <figcaption>
        {lines.map((line) => (
          <span key={line.name} className="key">
            <svg width="12" height="12" aria-hidden="true"><rect width="12" height="3" y="5" fill={line.colour} /></svg>
            {line.name}
          </span>
        ))}
        {marks.length > 0 && <span className="key dim">▾ a change</span>}
      </figcaption>
    </figure>
  );
}

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** A tick of the time axis: its hour, and its day below where that is another than the tick's before it. */
function clock(seconds: number, before: number | undefined): string {
  const at = new Date(seconds * 1000);
  const day = DAY.format(at);
  return before !== undefined && DAY.format(new Date(before * 1000)) === day ? HOUR.format(at) : `${HOUR.format(at)}\n${day}`;
}

function drawMarks(self: uPlot, marks: ChartMark[], colour: string): void {
  const { ctx, bbox } = self;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.setLineDash([3, 3]);
  const ratio = window.devicePixelRatio;
  for (const mark of marks) {
    const x = Math.round(self.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 4 * ratio, bbox.top - 7 * ratio);
    ctx.lineTo(x + 4 * ratio, bbox.top - 7 * ratio);
    ctx.lineTo(x, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}

function spoken(values: (number | null)[], format: (value: number) => string): string {
  const known = values.filter((value): value is number => value !== null);
  const last = known.at(-1);
  return last === undefined ? "no values" : `from ${format(Math.min(...known))} to ${format(Math.max(...known))}, last ${format(last)}`;
}
