import { percent } from "./show";

const COLOURS: Record<string, string> = { model: "var(--by-model)", rule: "var(--by-rule)", fallback: "var(--by-fallback)", person: "var(--by-person)" };

/** How a whole is shared out, as one bar with its words. */
export function Share({ of, label }: { of: Record<string, number>; label: string }) {
  const whole = Object.values(of).reduce((sum, one) => sum + one, 0);
  const parts = Object.entries(of).filter(([, count]) => count > 0);
  if (whole === 0) return <span className="dim small">nothing decided</span>;
  let from = 0;
  return (
    <div className="share">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`${label}: ${parts.map(([name, count]) => `${name} ${percent(count / whole)}`).join(", ")}`}>
        {parts.map(([name, count], place) => {
          const x = from;
          const width = (count / whole) * 100;
          from += width;
          return <rect key={name} x={x} width={width} height="6" fill={COLOURS[name] ?? `var(--series-${place % 4})`} />;
        })}
      </svg>
      <div className="small dim">{parts.map(([name, count]) => `${name} ${percent(count / whole)}`).join(" · ")}</div>
    </div>
  );
}
