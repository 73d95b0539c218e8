import { Button, Textarea } from "@mantine/core";
import type { Schemas } from "../../api/call";
import { useAsk, useDo } from "../../api/queries";
import { Copies } from "../../kit/Copy";
import { Facts, Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { useDraft } from "../../kit/draft";
import { fields } from "../../kit/show";

/** Edit the application's file and see how this one decision would come out; nothing is kept. */
export function TryChange({ decision }: { decision: Schemas["DecisionDetail"] }) {
  const shown = useAsk("applications:show", { application: decision.application }, { enabled: !decision.application.includes(":") });
  const [draft, keep] = useDraft(`try ${decision.application}`);
  const trial = useDo("rules:backtest");
  if (!shown.data) return null;
  const text = draft ?? shown.data.source;
  const given = { text, files: shown.data.files, decision: decision.decision_id };
  const example = trial.data?.examples[0];
  return (
    <Panel title="Try a change" aside={<Copies action="rules:backtest" given={given} />}>
      <div className="stack">
        <Textarea className="editor" label={`application.yaml, as of revision ${shown.data.revision}`} description="How would this decision come out? Nothing is kept but your draft." autosize minRows={8} maxRows={18} value={text} onChange={(event) => keep(event.currentTarget.value)} spellCheck={false} />
        <div className="row">
          <Button size="xs" onClick={() => trial.mutate(given)} loading={trial.isPending}>Try it</Button>
          {draft !== null && <Button size="xs" variant="subtle" color="gray" onClick={() => keep(null)}>Drop the draft</Button>}
        </div>
        <div aria-live="polite">
          {trial.data && (example ? (
            <Facts of={[["then", `${fields(example.before)} (${example.rule_before})`], ["with the change", example.after ? `${fields(example.after)} (${example.rule_after})` : "the request would be refused"]]} />
          ) : (
            <p>{trial.data.compared ? "It would come out the same." : `It cannot be compared: ${Object.keys(trial.data.incomparable).join(", ")}`}</p>
          ))}
          {trial.error && <ProblemPanel problem={trial.error} />}
        </div>
      </div>
    </Panel>
  );
}
