import { Link, useNavigate } from "@tanstack/react-router";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Chart } from "../../kit/Chart";
import { ApplicationLink, TargetLink, VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Span, perStep } from "../../kit/Span";
import { Share } from "../../kit/Share";
import { eventWords } from "../../kit/words";
import { ago, duration, moment, number, percent, several, who } from "../../kit/show";
import { Projects } from "./Projects";
import { Refused } from "./Refused";
import { Trouble } from "./Trouble";

/** What goes on: every application with its traffic, who answers, how fast, and what was changed. */
export function Overview({ since = "1h" }: { since?: string }) {
  const navigate = useNavigate();
  const may = useMay();
  const figures = useAsk("decisions:figures", { since, steps: 60 }, { refetchInterval: 5_000, placeholderData: (before) => before });
  return (
    <>
      <Heading
        title="Overview"
        under="Traffic, who answers, how fast, and what was changed."
        actions={<Span value={since} onChange={(chosen) => void navigate({ to: "/", search: { since: chosen } })} />}
      />
      <Asked query={figures}>
        {(found) => (
          <>
            <Trouble figures={found.applications} />
            <Projects />
            <div className="cards">
              {found.applications.map((one) => <ApplicationCard key={one.application} figures={one} changes={found.changes} since={since} />)}
              <Idle known={found.applications.map((one) => one.application)} />
            </div>
            <div className="halves">
              <Panel title="Recent changes" aside={may("audit:log") && <Link to="/audit">all</Link>}>
                {found.changes.length === 0 && <Empty>Nothing was changed in this span of time.</Empty>}
                <ul className="plain">
                  {found.changes.slice(0, 10).map((change) => (
                    <li key={`${change.at} ${change.action} ${change.target}`}>
                      <strong>{eventWords(change.action)}</strong> <TargetLink action={change.action} target={change.target} /> <span className="dim">{ago(change.at)} by {who(change.actor)}{change.reason && `: ${change.reason}`}</span>
                    </li>
                  ))}
                </ul>
              </Panel>
              <div>
                <Refused />
                <ModelsPanel />
              </div>
            </div>
          </>
        )}
      </Asked>
    </>
  );
}

function ApplicationCard({ figures, changes, since }: { figures: Schemas["ApplicationFigures"]; changes: Schemas["ChangeMark"][]; since: string }) {
  const { application, whole, steps } = figures;
  const names = [application, ...Object.keys(figures.models).map((ref) => ref.split("/")[0])];
  const marks = changes.filter((change) => names.includes(change.target.split("/")[0] ?? "")).map((change) => ({ at: Date.parse(change.at) / 1000, text: `${change.action} ${change.target}` }));
  const fallback = whole.decided_by.fallback ?? 0;
  return (
    <Panel
      title={<ApplicationLink of={application} />}
      aside={<Link to="/decisions" search={{ application }}>{several(whole.decisions, "decision")}</Link>}
    >
      <dl className="tiles">
        <div><dt title="95 of 100 answers took no longer (p95)">95 % within</dt><dd>{duration(whole.p95_us)}</dd></div>
        <div><dt title="every other answer took no longer (p50)">half within</dt><dd>{duration(whole.p50_us)}</dd></div>
        <div><dt>model failed</dt><dd className={fallback ? "bad" : undefined}>{percent(whole.decisions ? fallback / whole.decisions : 0)}</dd></div>
        <div><dt>left to people</dt><dd>{number(whole.pending)}</dd></div>
      </dl>
      <Chart
        label={`Decisions of ${application} over time`}
        height={120}
        times={steps.map((step) => Date.parse(step.at) / 1000)}
        lines={[
          { name: perStep(since), colour: "#0e8f7b", values: steps.map((step) => step.decisions), fill: true },
          { name: "by fallback", colour: "#d9480f", values: steps.map((step) => step.decided_by.fallback ?? 0) },
        ]}
        marks={marks}
      />
      <Chart
        label={`Time to answer of ${application}, p95`}
        height={130}
        times={steps.map((step) => Date.parse(step.at) / 1000)}
        format={duration}
        lines={[{ name: "95 % answered within (p95)", colour: "#9c36b5", values: steps.map((step) => step.p95_us) }]}
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
        {idle.map((one) => <li key={one.application}><ApplicationLink of={one.application} /> <span className="dim">revision {one.revision}, since {moment(one.at)}</span></li>)}
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
                  <VersionLink of={row.model} />
                  {Object.entries(row.aliases).map(([alias, version]) => <span key={alias} className="row"><Mark of={alias} /> <VersionLink of={`${row.model}/${version}`} /></span>)}
                  <span className="dim">{several(row.versions, "version")}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}
