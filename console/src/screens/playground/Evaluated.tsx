import type { Schemas } from "../../api/call";
import { Mark } from "../../kit/Marks";
import { Facts } from "../../kit/Panel";
import { duration, fields } from "../../kit/show";
import { KnownFeatures } from "../decision/Known";
import { Reasons, RulesStep, Step } from "../decision/Steps";

/** How an answer would come about: each step with what it read, what it gave and how long it took. */
export function Evaluated({ found }: { found: Schemas["EvaluatedAnswer"] }) {
  const features = found.inputs.filter((one) => one.source !== "request");
  const before = found.rules.filter((rule) => rule.stage === "before");
  const after = found.rules.filter((rule) => rule.stage !== "before");
  const took = (step: string) => (found.elapsed_us[step] === undefined ? "" : duration(found.elapsed_us[step]));
  return (
    <ol className="timeline">
      <Step name="Answer" note={`settled by ${found.closed_by}`} on closes>
        <div className="answer">{fields(found.answer)}</div>
        <div className="row"><Mark of={found.decided_by} /><Mark of={found.status} /></div>
        <Reasons of={found.reasons} />
      </Step>
      {features.length > 0 && (
        <Step name="Features" note={took("features")} on>
          <KnownFeatures features={features} />
        </Step>
      )}
      {before.length > 0 && <RulesStep name="Rules before the model" note={took("rules before the model")} rules={before} closedBy={found.closed_by} />}
      {found.row ? (
        <Step name="Model" note={took("model")} on>
          <Facts
            of={[
              ["version", found.version || "not asked: its output was given"],
              ["input", fields(found.row)],
              ["output", found.output ? fields(found.output) : <span key="f" className="row"><Mark of="fallback" /> {found.failure}</span>],
              ...(took("reaching the version") ? [["reached in", took("reaching the version")] as const] : []),
            ]}
          />
        </Step>
      ) : <Step name="Model" note="was not asked" />}
      {after.length > 0 && <RulesStep name="Rules after the model" note={took("rules after the model")} rules={after} closedBy={found.closed_by} />}
    </ol>
  );
}
