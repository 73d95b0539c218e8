import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Chart } from "../../kit/Chart";
import { Mark } from "../../kit/Marks";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { duration, fields, number, percent, several, value, words } from "../../kit/show";
import { alertWords } from "../../kit/words";
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
              <Panel title="Asked, day by day" aside={`${several(found.whole.asked, "time")} · 95 of 100 within ${duration(found.whole.p95_us)}`}>
                {times.length > 1 ? (
                  <Chart label="Asked by day" times={times} lines={[{ name: "asked", colour: COLOURS[0] ?? "", values: found.days.map((day) => day.asked), fill: true }, { name: "failures", colour: "#d9480f", values: found.days.map((day) => Object.values(day.failures).reduce((sum, one) => sum + one, 0)) }]} />
                ) : (
                  <Empty>{found.days.length ? `So far one day: ${found.days[0]?.day}, asked ${number(found.whole.asked)} times.` : "It was not asked yet."}</Empty>
                )}
              </Panel>
              <Panel title="Performance, from outcomes that arrived">
                {found.performance.length === 0 && <Empty>No outcome was told yet. Stated by its author: {fields(found.stated)}</Empty>}
                {found.performance.map((one) => <Performance key={`${one.application} ${one.outcome}`} of={one} stated={found.stated} />)}
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
                    { name: "PSI", cell: (one) => <Gauge psi={one.psi} /> },
                    { name: "beyond chance", cell: (one) => (one.chance < found.thresholds.chance ? `yes, p ${number(one.chance)}` : "no"), right: true },
                    { name: "missing (reference)", cell: (one) => `${percent(one.missing)} (${percent(one.reference_missing)})`, right: true },
                    { name: "out of range", cell: (one) => percent(one.outside), right: true },
                    { name: "rows", cell: (one) => number(one.rows), right: true },
                    { name: "raised", cell: (one) => <span className="row">{[...new Set(signals.get(one.column) ?? [])].map((kind) => <Mark key={kind} of={alertWords(kind)} />)}</span> },
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

/** How well it did for one application, beside what its author stated. */
function Performance({ of, stated }: { of: Schemas["Report"]["performance"][number]; stated: Record<string, number> }) {
  const names = [...new Set([...Object.keys(of.measures), ...Object.keys(stated)])];
  return (
    <>
      <p className="small dim">{of.application}: whether {of.outcome} is known for {number(of.labelled)} of {several(of.matured, "decision")} old enough{of.early > 0 && `; ${number(of.early)} early ones are left out`}.</p>
      {Object.keys(of.measures).length === 0 ? <Empty>Not enough to say.</Empty> : (
        <Rows
          label={`Performance at ${of.application}`}
          rows={names}
          by={String}
          columns={[
            { name: "measure", cell: words },
            { name: "live", cell: (name) => <strong>{value(of.measures[name])}</strong>, right: true },
            { name: "stated by its author", cell: (name) => value(stated[name]), right: true },
          ]}
        />
      )}
    </>
  );
}

/** PSI as a bar up to 0.5, its two usual limits marked. */
function Gauge({ psi }: { psi: number }) {
  const width = Math.min(psi / 0.5, 1) * 120;
  return (
    <span className="row">
      <svg width="120" height="12" aria-hidden="true" className="gauge">
        <rect width="120" height="6" y="3" rx="3" className="track" />
        <rect width={Math.max(width, 2)} height="6" y="3" rx="3" className={psi >= 0.25 ? "high" : psi >= 0.1 ? "some" : "low"} />
        <path d="M24 0v12M60 0v12" className="limit" />
      </svg>
      {number(psi)}
    </span>
  );
}
