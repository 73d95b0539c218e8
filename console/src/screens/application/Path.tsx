import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Chart } from "../../kit/Chart";
import { VersionLink } from "../../kit/Links";
import { Panel } from "../../kit/Panel";
import { Share } from "../../kit/Share";
import { perStep } from "../../kit/Span";
import { duration, number, percent, several } from "../../kit/show";
import type { Definition } from "./definition";

/** The way of a request through the application, with how many took it. */
export function Path({ revision, definition, since }: { revision: Schemas["RevisionAnswer"]; definition: Definition; since: string }) {
  const figures = useAsk("decisions:figures", { application: revision.application, since, steps: 60 }, { refetchInterval: 5_000, placeholderData: (before) => before });
  return (
    <Asked query={figures}>
      {(found) => {
        const one = found.applications[0];
        return (
          <>
            <Panel title="The way of a request" aside={<Link to="/decisions" search={{ application: revision.application, since }}>{several(one?.whole.decisions ?? 0, "decision")}</Link>}>
              <Way revision={revision} definition={definition} figures={one} since={since} />
            </Panel>
            {one && (
              <div className="halves">
                <Panel title="Decisions" aside={perStep(since)}>
                  <Chart
                    label="Decisions over time"
                    times={one.steps.map((step) => Date.parse(step.at) / 1000)}
                    lines={[
                      { name: "by model", colour: "#0e8f7b", values: one.steps.map((step) => step.decided_by.model ?? 0), fill: true },
                      { name: "by rule", colour: "#3b82c4", values: one.steps.map((step) => step.decided_by.rule ?? 0) },
                      { name: "by fallback", colour: "#d9480f", values: one.steps.map((step) => step.decided_by.fallback ?? 0) },
                    ]}
                    marks={found.changes.map((change) => ({ at: Date.parse(change.at) / 1000, text: change.action }))}
                  />
                  <Share of={one.whole.decided_by} label="Decided by" />
                  <Share of={one.models} label="By version" />
                </Panel>
                <Panel title="Time to answer" aside={`half within ${duration(one.whole.p50_us)} · 95 % within ${duration(one.whole.p95_us)}`}>
                  <Chart label="Time to answer, p95" times={one.steps.map((step) => Date.parse(step.at) / 1000)} format={duration} lines={[{ name: "95 % answered within (p95)", colour: "#9c36b5", values: one.steps.map((step) => step.p95_us) }]} />
                </Panel>
              </div>
            )}
          </>
        );
      }}
    </Asked>
  );
}

function Way({ revision, definition, figures, since }: { revision: Schemas["RevisionAnswer"]; definition: Definition; figures: Schemas["ApplicationFigures"] | undefined; since: string }) {
  const plain = revision.definition as { request?: { name: string }[]; features?: { view: string }[]; model?: { name: string; alias: string } | null };
  const all = figures?.whole.decisions ?? 0;
  const byRule = figures?.whole.decided_by.rule ?? 0;
  const fallback = figures?.whole.decided_by.fallback ?? 0;
  const before = definition.rules.filter((rule) => rule.before);
  const after = definition.rules.filter((rule) => !rule.before);
  const views = plain.features ?? [];
  const asked = plain.model ? all - byRule : all;
  return (
    <div className="way" tabIndex={0} role="region" aria-label="The way of a request">
      <Stop name="Request">{(plain.request ?? []).map((field) => field.name).join(", ")}</Stop>
      <Edge count={all} />
      {views.length > 0 && (
        <>
          <Stop name="Features">{views.map((use) => <div key={use.view}><Link to="/features/$view" params={{ view: use.view }} className="nowrap">{use.view}</Link></div>)}</Stop>
          <Edge count={all} />
        </>
      )}
      {plain.model && before.length > 0 && (
        <>
          <RuleStop name="Rules before" rules={before} figures={figures} application={revision.application} since={since} />
          <Edge count={asked} out={`${number(byRule)} answered`} share={all ? byRule / all : 0} />
        </>
      )}
      {plain.model && (
        <>
          <Stop name="Model">
            <VersionLink of={plain.model.name}>{plain.model.name}@{plain.model.alias}</VersionLink>
            {Object.entries(figures?.models ?? {}).map(([ref, count]) => <div key={ref} className="small nowrap"><VersionLink of={ref} />: {number(count)}</div>)}
          </Stop>
          <Edge count={asked - fallback} out={fallback ? `${number(fallback)} failed` : ""} share={all ? fallback / all : 0} bad={fallback > 0} />
        </>
      )}
      {(plain.model ? after : definition.rules).length > 0 && (
        <>
          <RuleStop name={plain.model ? "Rules after" : "Rules"} rules={plain.model ? after : definition.rules} figures={figures} application={revision.application} since={since} />
          <Edge count={asked - fallback} />
        </>
      )}
      <Stop name="Answer">
        {figures?.whole.pending ? <Link to="/reviews" search={{ application: revision.application }}>{number(figures.whole.pending)} left to people</Link> : "final"}
      </Stop>
    </div>
  );
}

function Stop({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="stop">
      <h3>{name}</h3>
      <div className="small">{children}</div>
    </div>
  );
}

function RuleStop({ name, rules, figures, application, since }: { name: string; rules: Definition["rules"]; figures: Schemas["ApplicationFigures"] | undefined; application: string; since: string }) {
  return (
    <Stop name={name}>
      {rules.slice(0, 8).map((rule) => {
        const fired = figures?.rules[rule.id] ?? 0;
        return (
          <div key={rule.id} className="way-rule">
            <Link to="/decisions" search={{ application, rule: rule.id, since }}>{rule.id}</Link>
            <span className={fired ? undefined : "dim"}>{fired ? number(fired) : "never"}</span>
          </div>
        );
      })}
      {rules.length > 8 && <div className="dim">and {rules.length - 8} more</div>}
    </Stop>
  );
}

function Edge({ count, out = "", share = 0, bad = false }: { count: number; out?: string; share?: number; bad?: boolean }) {
  return (
    <div className="edge">
      <span>{number(count)}</span>
      <svg viewBox="0 0 60 10" width="44" height="10" aria-hidden="true">
        <path d="M0 5h54M49 1l6 4-6 4" fill="none" stroke="currentColor" strokeWidth="1.4" />
      </svg>
      {out && <span className={bad ? "bad small" : "dim small"}>{out}<br />({percent(share)})</span>}
    </div>
  );
}
