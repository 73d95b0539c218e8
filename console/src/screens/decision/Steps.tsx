import type { ReactNode } from "react";
import type { Schemas } from "../../api/call";
import { VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Facts } from "../../kit/Panel";
import { duration, fields, moment, number, shortDigest, value, who } from "../../kit/show";
import { KnownFeatures } from "./Known";

type Detail = Schemas["DecisionDetail"];
type Why = Schemas["WhyAnswer"];

const NOT_SENT = "not sent";
const OF_REQUEST = ["request", NOT_SENT];

/** The steps of a decision in their order, on a line. */
export function Steps({ decision, why }: { decision: Detail; why: Why }) {
  const request = why.inputs.filter((one) => OF_REQUEST.includes(one.source));
  const features = why.inputs.filter((one) => !OF_REQUEST.includes(one.source));
  const before = why.rules.filter((rule) => rule.stage === "before");
  const after = why.rules.filter((rule) => rule.stage !== "before");
  return (
    <ol className="timeline">
      <Step name="Request" note={`asked by ${decision.actor ? who(decision.actor) : "—"}`} on>
        <Facts of={request.map((one) => [one.name, shown(one, decision)] as const)} />
      </Step>
      {features.length > 0 && (
        <Step name="Features" note={`as known at ${moment(decision.event_time ?? decision.at)}`} on>
          <KnownFeatures features={features} />
        </Step>
      )}
      {before.length > 0 && <RulesStep name="Rules before the model" rules={before} closedBy={why.closed_by} />}
      <ModelStep decision={decision} />
      {after.length > 0 && <RulesStep name="Rules after the model" rules={after} closedBy={why.closed_by} />}
      <Step name="Answer" note={`settled by ${why.closed_by}`} on closes>
        <div className="answer">{fields(decision.logged.answer as Record<string, unknown>)}</div>
        <Reasons of={why.reasons} />
      </Step>
      {decision.resolutions.map((one) => (
        <Step key={value(one.resolution_id)} name={one.pending ? "Proposed by a person" : "Resolved by a person"} note={`${who(value(one.who))}, ${moment(one.at as string)}`} on closes={!one.pending}>
          <div className="answer">{fields(one.after as Record<string, unknown>)}</div>
          <div>{value(one.code)}: {value(one.note)}</div>
        </Step>
      ))}
      {decision.outcomes.length === 0 ? (
        <Step name="Outcome" note="not known yet" />
      ) : (
        decision.outcomes.map((one) => (
          <Step key={value(one.id)} name="Outcome" note={`told ${moment(one.at as string)}`} on>
            <span className="answer">{value(one.name)}: {value(one.value)}</span>
          </Step>
        ))
      )}
    </ol>
  );
}

function shown(one: Schemas["KnownAnswer"], decision: Detail): ReactNode {
  if (one.source === NOT_SENT) return <span className="dim">not sent</span>;
  const personal = decision.personal?.[one.name];
  if (personal !== undefined) return value(personal);
  return one.value === "(personal)" ? <span className="dim">personal: your role may not read it</span> : value(one.value);
}

export function Step({ name, note, on = false, closes = false, children }: { name: string; note?: string; on?: boolean; closes?: boolean; children?: ReactNode }) {
  return (
    <li data-on={on} data-closes={closes}>
      <div className="step">
        <h3>{name}</h3>
        <span className="dim small">{note}</span>
      </div>
      {children}
    </li>
  );
}

/** Why the answer is what it is: a rule's reason, or an input that moved the model, with how far. */
export function Reasons({ of }: { of: Record<string, unknown>[] }) {
  return (
    <>
      {of.map((reason) => (
        <div key={`${value(reason.code)} ${value(reason.source)}`}>
          <strong>{value(reason.code)}</strong> {value(reason.text)}{" "}
          <span className="dim">({value(reason.source)}{typeof reason.contribution === "number" && `: ${value(reason.feature)} ${reason.contribution > 0 ? "+" : ""}${number(reason.contribution)}`})</span>
        </div>
      ))}
    </>
  );
}

export function RulesStep({ name, note, rules, closedBy }: { name: string; note?: string; rules: Schemas["RuleVerdict"][]; closedBy: string }) {
  return (
    <Step name={name} {...(note ? { note } : {})} on={rules.some((rule) => rule.verdict !== "not reached")} closes={rules.some((rule) => rule.rule === closedBy)}>
      {rules.map((rule) => (
        <div className="rule" key={rule.rule} data-fired={rule.verdict === "fired"}>
          <strong>{rule.rule}</strong>
          <code>{rule.row ? `decision table, row ${rule.row}` : rule.when || "decision table"}</code>
          <Mark of={rule.verdict} />
          <div className="values">
            {Object.keys(rule.values).length > 0 && <>{Object.entries(rule.values).map(([read, had]) => `${read} = ${value(had)}`).join(", ")}{rule.changed_in && rule.outputs.length === 0 ? " · " : ""}</>}
            {rule.outputs.map((made) => <div key={made.name}>{made.name}: {value(made.before)} → {value(made.after)}</div>)}
            {rule.changed_in ? `since revision ${rule.changed_in} (${who(rule.changed_by)}: ${rule.changed_why})` : ""}
          </div>
        </div>
      ))}
    </Step>
  );
}

function ModelStep({ decision }: { decision: Detail }) {
  if (decision.predictions.length === 0) return <Step name="Model" note="was not asked" />;
  return (
    <Step name="Model" on>
      {decision.predictions.map((one) => {
        const batch = one.batch as { compute_us?: number } | undefined;
        return (
          <Facts
            key={`${value(one.role)} ${value(one.model)} ${value(one.version)}`}
            of={[
              ["version", <span key="v" className="row"><VersionLink of={`${String(one.model)}/${String(one.version)}`} /><Mark of={String(one.role)} /></span>],
              ["digest", <code key="d" title={String(one.digest)}>{shortDigest(String(one.digest))}</code>],
              ["output", one.output ? fields(one.output as Record<string, unknown>) : <span key="f" className="row"><Mark of="fallback" /> {value(one.failure)} {value(one.error)}</span>],
              ["computed in", duration(batch?.compute_us)],
            ]}
          />
        );
      })}
    </Step>
  );
}
