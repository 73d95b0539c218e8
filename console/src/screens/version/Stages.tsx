import { VERSION_STAGES as STAGES } from "../../kit/words";

const WIDTH = 128;
const GAP = 34;

/** The table of moves, with where this version stands on it. */
export function Stages({ now }: { now: string }) {
  const at = STAGES.findIndex((stage) => stage === now);
  const whole = STAGES.length * WIDTH + (STAGES.length - 1) * GAP;
  const centre = (place: number) => place * (WIDTH + GAP) + WIDTH / 2;
  return (
    <div className="wide" tabIndex={0} role="region" aria-label="Stages">
      <svg className="stages" viewBox={`0 0 ${whole} 84`} width={whole} height="84" role="img" aria-label={`It is ${now}. ${STAGES.slice(0, at).join(", ")} lie behind it.`}>
        {STAGES.map((stage, place) => (
          <g key={stage} data-state={place < at ? "behind" : place === at ? "now" : "ahead"}>
            <rect x={place * (WIDTH + GAP)} y="26" width={WIDTH} height="32" rx="16" />
            <text x={centre(place)} y="46" textAnchor="middle">{stage}</text>
            {place < STAGES.length - 1 && <path className="move" d={`M${place * (WIDTH + GAP) + WIDTH + 3} 42h${GAP - 9}m-5 -4l6 4l-6 4`} />}
          </g>
        ))}
        <path className="move" d={`M${centre(3)} 60v10H${centre(2)}v-8m-4 4l4 -5l4 5`} />
        <path className="move" d={`M${centre(4)} 60v16H${centre(3) + 12}v-14m-4 4l4 -5l4 5`} />
        <path className="move" d={`M${centre(1)} 24v-12H${centre(3)}v10m-4 -4l4 5l4 -5`} />
      </svg>
    </div>
  );
}
