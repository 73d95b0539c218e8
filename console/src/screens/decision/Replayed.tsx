import { Button } from "@mantine/core";
import { useDo } from "../../api/queries";
import { Copies } from "../../kit/Copy";
import { Mark } from "../../kit/Marks";
import { Facts, Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { fields } from "../../kit/show";

const MEANS: Record<string, string> = {
  BIT: "the model's output came out the same, bit for bit",
  ULP: "the output differs in the last place only",
  TOLERANCE: "the output differs within the declared tolerance",
  DECISION_ONLY: "the output differs, the answer is the same",
  MISMATCH: "it comes out otherwise",
};

/** Make the decision again, on the version that made it. */
export function Replayed({ id }: { id: string }) {
  const replay = useDo("replay");
  const given = { decisions: [id] };
  const again = replay.data?.decisions[0];
  return (
    <Panel
      title="Replay"
      aside={<Copies action="replay" given={given} />}
    >
      <div className="stack">
        <div>
          <span className="row"><Button size="xs" onClick={() => replay.mutate(given)} loading={replay.isPending}>Replay</Button><span className="dim small grow">Made again on the version that made it: does it come out the same?</span></span>
        </div>
        <div aria-live="polite">
          {again && (
            <div className="stack">
              <span className="row"><Mark of={again.verdict} size="lg" /> {MEANS[again.verdict] ?? ""}</span>
              <Facts of={[["then", fields(again.answer_then)], ["now", fields(again.answer_now)], ...(again.cause ? [["cause", again.cause] as const] : [])]} />
            </div>
          )}
          {replay.error && <ProblemPanel problem={replay.error} />}
        </div>
      </div>
    </Panel>
  );
}
