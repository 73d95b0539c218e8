import { SegmentedControl } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Chart } from "../../kit/Chart";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Share } from "../../kit/Share";
import { ago, duration, moment, number, percent, words } from "../../kit/show";
import { Projects } from "./Projects";

const SPANS = [
  { value: "1h", label: "1 h" },
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 d" },
];

/** What goes on: every application with its traffic, who answers, how fast, and what was changed. */
export function Overview({ since = "1h" }: { since?: string }) {
  const navigate = useNavigate();
  const figures = useAsk("decisions:figures", { since, steps: 60 }, { refetchInterval: 5_000, placeholderData: (before) => before });
  return (
    <>
      <Heading
        title="Overview"
        under="Traffic, who answers, how fast, and what was changed."
        actions={<SegmentedControl aria-label="Span of time" size="xs" data={SPANS} value={since} onChange={(value) => void navigate({ to: "/", search: { since: value } })} />}
      />
      <Trouble />
      <Asked query={figures}>
        {(found) => (
          <>
            <Projects />
            <div className="cards">
              {found.applications.map((one) => <ApplicationCard key={one.application} figures={one} changes={found.changes} />)}
              <Idle known={found.applications.map((one) => one.application)} />
            </div>
            <div className="halves">
              <ModelsPanel />
              <Panel title="Recent changes">
                {found.changes.length === 0 && <Empty>Nothing was changed in this span of time.</Empty>}
                <ul className="plain">
                  {found.changes.slice(0, 10).map((change) => (
                    <li key={`${change.at} ${change.action} ${change.target}`}>
                      <strong>{words(change.action.replace(":", " "))}</strong> {change.target} <span className="dim">{ago(change.at)} by {change.actor}{change.reason && `: ${change.reason}`}</span>
                    </li>
                  ))}
                </ul>
              </Panel>
            </div>
          </>
        )}
      </Asked>
    </>
  );
}

function ApplicationCard({ figures, changes }: { figures: Schemas["ApplicationFigures"]; changes: Schemas["ChangeMark"][] }) {
  const { application, whole, steps } = figures;
  const names = [application, ...Object.keys(figures.models).map((ref) => ref.split("/")[0])];
  const marks = changes.filter((change) => names.includes(change.target.split("/")[0] ?? "")).map((change) => ({ at: Date.parse(change.at) / 1000, text: `${change.action} ${change.target}` }));
  const fallback = whole.decided_by.fallback ?? 0;
  const direct = application.startsWith("model:");
  return (
    <Panel
      title={direct ? <Link to="/models/$model" params={{ model: application.slice(6) }}>{application.slice(6)}, asked directly</Link> : <Link to="/applications/$application" params={{ application }}>{application}</Link>}
      aside={<Link to="/decisions" search={{ application }}>{number(whole.decisions)} decisions</Link>}
    >
      <dl className="tiles">
        <div><dt>p95</dt><dd>{duration(whole.p95_us)}</dd></div>
        <div><dt>p50</dt><dd>{duration(whole.p50_us)}</dd></div>
        <div><dt>model failed</dt><dd className={fallback ? "bad" : undefined}>{percent(whole.decisions ? fallback / whole.decisions : 0)}</dd></div>
        <div><dt>left to people</dt><dd>{number(whole.pending)}</dd></div>
      </dl>
      <Chart
        label={`Decisions of ${application} over time`}
        height={120}
        times={steps.map((step) => Date.parse(step.at) / 1000)}
        lines={[
          { name: "decisions", colour: "#0e8f7b", values: steps.map((step) => step.decisions), fill: true },
          { name: "by fallback", colour: "#d9480f", values: steps.map((step) => step.decided_by.fallback ?? 0) },
        ]}
        marks={marks}
      />
      <Chart
        label={`Time to answer of ${application}, p95`}
        height={130}
        times={steps.map((step) => Date.parse(step.at) / 1000)}
        format={duration}
        lines={[{ name: "p95", colour: "#9c36b5", values: steps.map((step) => step.p95_us) }]}
        marks={marks}
      />
      <Share of={whole.decided_by} label="Decided by" />
      {Object.keys(figures.models).length > 0 && <Share of={figures.models} label="By version" />}
    </Panel>
  );
}

/** Applications that decided nothing in the span. */
function Idle({ known }: { known: string[] }) {
  const all = useAsk("applications:list", {}).data ?? [];
  const idle = all.filter((one) => !known.includes(one.application));
  if (idle.length === 0) return null;
  return (
    <Panel title="Without traffic">
      <ul className="plain">
        {idle.map((one) => <li key={one.application}><Link to="/applications/$application" params={{ application: one.application }}>{one.application}</Link> <span className="dim">revision {one.revision}, since {moment(one.at)}</span></li>)}
      </ul>
    </Panel>
  );
}

function ModelsPanel() {
  const models = useAsk("models:list", {}, { refetchInterval: 10_000 });
  return (
    <Panel title="Models" aside={<Link to="/models">all</Link>}>
      <Asked query={models}>
        {(rows) =>
          rows.length === 0 ? <Empty>None yet. The first is registered by: tenure register PACKAGE</Empty> : (
            <ul className="plain">
              {rows.slice(0, 12).map((row) => (
                <li key={row.model} className="row">
                  <Link to="/models/$model" params={{ model: row.model }}>{row.model}</Link>
                  {Object.entries(row.aliases).map(([alias, version]) => <span key={alias} className="row"><Mark of={alias} /> <Link to="/models/$model/$version" params={{ model: row.model, version: String(version) }}>{row.model}/{version}</Link></span>)}
                  <span className="dim">{row.versions} versions</span>
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}

/** What somebody should look at now: versions that cannot be served, open alerts, decisions that wait for people. */
function Trouble() {
  const may = useMay();
  const status = useAsk("status", {}, { refetchInterval: 5_000 }).data;
  const alerts = useAsk("alerts:list", { status: "open" }, { refetchInterval: 15_000, enabled: may("alerts:list") }).data ?? [];
  const waiting = useAsk("decisions:reviews", { limit: 1000 }, { refetchInterval: 15_000, enabled: may("decisions:reviews") }).data?.length ?? 0;
  const troubles = Object.entries(status?.troubles ?? {});
  if (troubles.length + alerts.length + waiting === 0) return null;
  return (
    <Panel title="To be looked at">
      <ul className="plain">
        {troubles.map(([ref, why]) => <li key={ref}><Mark of="not served" /> {ref}: {why}</li>)}
        {alerts.slice(0, 5).map((alert) => <li key={alert.id}><Mark of="open" /> {words(alert.kind)} {alert.column} on <Link to="/models/$model/$version" params={{ model: alert.ref.split("/")[0] ?? "", version: alert.ref.split("/")[1] ?? "" }} search={{ tab: "monitoring" }}>{alert.ref}</Link> <span className="dim">since {moment(alert.opened_at)}</span></li>)}
        {alerts.length > 5 && <li><Link to="/alerts" search={{ status: "open" }}>and {alerts.length - 5} more alerts</Link></li>}
        {waiting > 0 && <li><Mark of="pending_review" /> <Link to="/reviews">{waiting === 1000 ? "1,000 or more" : waiting} decisions wait for a person</Link></li>}
      </ul>
    </Panel>
  );
}
