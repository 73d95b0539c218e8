import { Select } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { Panel } from "../../kit/Panel";
import { number, percent } from "../../kit/show";

const HEIGHT = 120;
const FEW = 6;

/** Reference against live, cell by cell, of each watched column; those that moved most come first. */
export function Distributions({ report }: { report: Schemas["Report"] }) {
  const moved = new Map(report.columns.map((one) => [one.column, one.psi]));
  const all = [...report.distributions].sort((one, other) => (moved.get(other.column) ?? 0) - (moved.get(one.column) ?? 0));
  const [chosen, choose] = useState("");
  if (all.length === 0) return null;
  const shown = chosen ? all.filter((one) => one.column === chosen) : all.slice(0, FEW);
  const names = [{ value: "", label: all.length > FEW ? `the ${FEW} that moved most` : "all" }, ...all.map((one) => ({ value: one.column, label: one.column }))];
  return (
    <Panel
      title="Reference against live"
      aside={<><Key colour="var(--reference)" name="reference" /><Key colour="var(--live)" name="live" /><Select aria-label="Column" size="xs" data={names} value={chosen} onChange={(next) => choose(next ?? "")} allowDeselect={false} /></>}
    >
      <div className="histograms">
        {shown.map((one) => <Histogram key={one.column} of={one} psi={moved.get(one.column)} />)}
      </div>
    </Panel>
  );
}

function Key({ colour, name }: { colour: string; name: string }) {
  return <span className="key"><svg width="10" height="10" aria-hidden="true"><rect width="10" height="10" rx="2" fill={colour} /></svg> {name}</span>;
}

function Histogram({ of, psi }: { of: Schemas["Distribution"]; psi: number | undefined }) {
  const reference = shares(of.reference);
  const live = shares(of.live);
  const most = Math.max(...reference, ...live, Number.MIN_VALUE);
  const width = 320 / of.cells.length;
  const bar = (share: number) => (share / most) * HEIGHT;
  const largest = of.cells.map((cell, place) => ({ cell, apart: Math.abs((live[place] ?? 0) - (reference[place] ?? 0)), place })).sort((one, other) => other.apart - one.apart)[0];
  const said = largest ? `most apart at ${largest.cell}: ${percent(reference[largest.place] ?? 0)} in the reference, ${percent(live[largest.place] ?? 0)} live` : "";
  return (
    <figure className="dots">
      <figcaption><strong>{of.column}</strong>{psi !== undefined && ` · PSI ${number(psi)}`}</figcaption>
      <svg viewBox={`0 0 320 ${HEIGHT + 18}`} role="img" aria-label={`${of.column}: ${said}`}>
        {of.cells.map((cell, place) => (
          <g key={cell}>
            <title>{`${cell}: reference ${percent(reference[place] ?? 0)}, live ${percent(live[place] ?? 0)}`}</title>
            <rect x={place * width + width * 0.08} width={width * 0.4} y={HEIGHT - bar(reference[place] ?? 0)} height={bar(reference[place] ?? 0)} fill="var(--reference)" />
            <rect x={place * width + width * 0.52} width={width * 0.4} y={HEIGHT - bar(live[place] ?? 0)} height={bar(live[place] ?? 0)} fill="var(--live)" />
          </g>
        ))}
        <path d={`M0 ${HEIGHT}h320`} className="axis" />
        <text x="0" y={HEIGHT + 14} className="value">{of.kind === "number" ? of.cells[0]?.split(" to ")[0] : of.cells[0]}</text>
        <text x="320" y={HEIGHT + 14} textAnchor="end" className="value">{of.kind === "number" ? of.cells.at(-1)?.split(" to ")[1] : of.cells.at(-1)}</text>
      </svg>
      <p className="small dim">{said}</p>
    </figure>
  );
}

function shares(counts: number[]): number[] {
  const whole = counts.reduce((sum, one) => sum + one, 0);
  return counts.map((one) => (whole ? one / whole : 0));
}
