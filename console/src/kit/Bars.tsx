import { number } from "./show";

export interface Bar {
  name: string;
  value: number;
  note: string;
}

const ROW = 34;
const LEFT = 120;
const WIDTH = 440;
/** what a number beside the longest bar needs */
const NUMBER = 66;

/** Signed amounts as bars from a common zero, in the order they are given. */
export function Bars({ bars, label }: { bars: Bar[]; label: string }) {
  const most = Math.max(...bars.map((bar) => Math.abs(bar.value)), Number.MIN_VALUE);
  const room = (WIDTH - LEFT - 2 * NUMBER) / 2;
  const zero = LEFT + NUMBER + room;
  return (
    <svg className="bars" viewBox={`0 0 ${WIDTH} ${bars.length * ROW}`} role="img" aria-label={`${label}: ${bars.map((bar) => `${bar.name} ${number(bar.value)}`).join(", ")}`}>
      <line className="zero" x1={zero} x2={zero} y1={0} y2={bars.length * ROW} />
      {bars.map((bar, place) => {
        const length = (Math.abs(bar.value) / most) * room;
        const middle = place * ROW + ROW / 2;
        const end = bar.value < 0 ? zero - length : zero + length;
        return (
          <g key={bar.name}>
            <text x={0} y={middle - 1}>{bar.name}</text>
            <text x={0} y={middle + 12} className="value note">{bar.note}</text>
            <rect className={bar.value < 0 ? "down" : "up"} x={Math.min(zero, end)} y={middle - 8} width={Math.max(length, 1)} height={16} rx={2} />
            <text className="value" x={bar.value < 0 ? end - 5 : end + 5} y={middle + 4} textAnchor={bar.value < 0 ? "end" : "start"}>
              {bar.value > 0 ? "+" : ""}{number(bar.value)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
