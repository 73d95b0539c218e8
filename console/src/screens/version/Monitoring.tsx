import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Chart } from "../../kit/Chart";
import { Mark } from "../../kit/Marks";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { duration, fields, number, percent, words } from "../../kit/show";
import { AlertRows } from "../alerts/AlertRows";
import { Distributions } from "./Distributions";

const COLOURS = ["#0e8f7b", "#3b82c4", "#c98a00", "#9c36b5"];

/** What came in against the reference, how well it did, what raised an alert. */
export function Monitoring({ model, version }: { model: string; version: string }) {
  const report = useAsk("monitor:report", { model, version }, { refetchInterval: 30_000 });
  const alerts = useAsk("alerts:list", { model }, { refetchInterval: 30_000 }).data?.filter((one) => one.ref === `${model}/${version}`) ?? [];
  return (
    <Asked query={report}>
      {(found) => {
        const times = found.days.map((day) => Date.parse(`${day.day}T12:00:00Z`) / 1000);
        const signals = new Map<string, string[]>();
        for (const window of found.windows) for (const one of window.signals) signals.set(one.column, [...(signals.get(one.column) ?? []), one.kind]);
        return (
          <>
            {found.caveats.length > 0 && <Panel title="What this cannot say"><ul className="plain">{found.caveats.map((one) => <li key={one}>{one}</li>)}</ul></Panel>}
            {alerts.length > 0 && (
              <Panel title="Alerts">
                <AlertRows alerts={alerts} versions={false} />
              </Panel>
            )}
            <div className="halves">
              <Panel title="Asked, day by day" aside={`${number(found.whole.asked)} times · p95 ${duration(found.whole.p95_us)}`}>
                {times.length > 1 ? (
                  <Chart label="Asked by day" times={times} lines={[{ name: "asked", colour: COLOURS[0] ?? "", values: found.days.map((day) => day.asked), fill: true }, { name: "failures", colour: "#d9480f", values: found.days.map((day) => Object.values(day.failures).reduce((sum, one) => sum + one, 0)) }]} />
                ) : (
                  <Empty>{found.days.length ? `So far one day: ${found.days[0]?.day}, asked ${number(found.whole.asked)} times.` : "It was not asked yet."}</Empty>
                )}
              </Panel>
              <Panel title="Performance, from outcomes that arrived">
                {found.performance.length === 0 && <Empty>No outcome was told yet. Stated by its author: {fields(found.stated)}</Empty>}
                {found.performance.map((one) => <p key={`${one.application} ${one.outcome}`}>{one.application}, {one.outcome}: <strong>{Object.keys(one.measures).length ? fields(one.measures) : "not enough to say"}</strong> <span className="dim">({number(one.labelled)} of {number(one.matured)} matured decisions have their truth, {number(one.early)} early ones left out; stated {fields(found.stated)})</span></p>)}
                {found.performance_by_day.length > 1 && (
                  <Chart
                    label="Performance by day"
                    times={found.performance_by_day.map((one) => Date.parse(`${one.day}T12:00:00Z`) / 1000)}
                    format={number}
                    lines={Object.keys(found.performance_by_day[0]?.performance.measures ?? {}).slice(0, 4).map((name, place) => ({ name, colour: COLOURS[place] ?? "", values: found.performance_by_day.map((one) => one.performance.measures[name] ?? null) }))}
                  />
                )}
              </Panel>
            </div>
            <Distributions report={found} />
            <Panel title="What came in, against the reference" aside="PSI over 0.1 is worth a look, over 0.25 a shift">
              {found.columns.length === 0 ? <Empty>Nothing to compare yet.</Empty> : (
                <Rows
                  label="Columns"
                  rows={[...found.columns].sort((one, other) => other.psi - one.psi)}
                  by={(one) => one.column}
                  columns={[
                    { name: "column", cell: (one) => one.column },
                    { name: "PSI", cell: (one) => <Gauge value={one.psi} /> },
                    { name: "beyond chance", cell: (one) => (one.chance < found.thresholds.chance ? `yes, p ${number(one.chance)}` : "no"), right: true },
                    { name: "missing (reference)", cell: (one) => `${percent(one.missing)} (${percent(one.reference_missing)})`, right: true },
                    { name: "outside", cell: (one) => percent(one.outside), right: true },
                    { name: "rows", cell: (one) => number(one.rows), right: true },
                    { name: "signals", cell: (one) => <span className="row">{[...new Set(signals.get(one.column) ?? [])].map((kind) => <Mark key={kind} of={words(kind)} />)}</span> },
                  ]}
                />
              )}
            </Panel>
          </>
        );
      }}
    </Asked>
  );
}

/** PSI as a bar up to 0.5, its two usual limits marked. */
function Gauge({ value }: { value: number }) {
  const width = Math.min(value / 0.5, 1) * 120;
  return (
    <span className="row">
      <svg width="120" height="12" aria-hidden="true" className="gauge">
        <rect width="120" height="6" y="3" rx="3" className="track" />
        <rect width={Math.max(width, 2)} height="6" y="3" rx="3" className={value >= 0.25 ? "high" : value >= 0.1 ? "some" : "low"} />
        <path d="M24 0v12M60 0v12" className="limit" />
      </svg>
      {number(value)}
    </span>
  );
}
