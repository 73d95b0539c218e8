import { Button } from "@mantine/core";
import type { Schemas } from "../../api/call";
import { useAsk, useDo, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Working } from "../../kit/Working";
import { who } from "../../kit/show";
import { Backtested, Differences } from "./Backtested";
import { usePlacing } from "./Placing";

/** The state that a step in a revision’s life is decided on: what is in force. */
export function inForce(revision: number | string): string {
  return `"${revision}"`;
}

/** What can be done with a revision where it stands. */
export function RevisionActions({ row, application, now }: { row: Schemas["RevisionRow"]; application: string; now: number }) {
  if (row.revision === now) return null;
  const named = { application, revision: row.revision };
  return (
    <span className="row">
      {!row.approved_by && row.stage === "draft" && (
        <Act action="applications:approve" label="Approve" given={named} etag={inForce(now)} wide affects={<>{row.ref}, by {who(row.actor)}, may then be activated. What you see here is what you approve.</>}>
          <Evidence application={application} revision={row.revision} now={now} />
        </Act>
      )}
      {row.stage === "retired" ? (
        <Act action="applications:rollback" label={`Roll back to ${row.revision}`} given={{ application, to: row.revision }} etag={inForce(now)} affects={<>The next request to {application} is answered by <strong>{row.ref}</strong> instead of {application}/{now}.</>} />
      ) : (
        <Activate row={row} application={application} now={now} />
      )}
    </span>
  );
}

function Activate({ row, application, now }: { row: Schemas["RevisionRow"]; application: string; now: number }) {
  const placing = usePlacing(application, false);
  return (
    <Act action="applications:activate" label="Activate" given={{ application, revision: row.revision, ...placing.given }} etag={inForce(now)} affects={<>In force is {application}/{now}. {placing.says}</>}>
      {placing.fields}
    </Act>
  );
}

/** What an approver should have seen: what would change, and what that would have changed in the log. */
function Evidence({ application, revision, now }: { application: string; revision: number; now: number }) {
  const shown = useAsk("applications:show", { application, revision });
  const diff = useAsk("applications:diff", { application, one: now, other: revision });
  const backtest = useDo("rules:backtest");
  const may = useMay();
  const found = backtest.data ?? shown.data?.backtest;
  return (
    <div className="evidence">
      <Asked query={diff}>{(one) => <Differences changes={one.changes} />}</Asked>
      {found ? <Backtested found={found} /> : <p className="bad small">It was not back-tested.</p>}
      {may("rules:backtest") && <Button size="compact-xs" variant="default" loading={backtest.isPending} onClick={() => backtest.mutate({ application, revision })}>{found ? "Back-test again" : "Back-test on the log"}</Button>}
      <Working action="rules:backtest" target={application} on={backtest.isPending} />
      {backtest.error && <ProblemPanel problem={backtest.error} />}
    </div>
  );
}

/** Take back what is on trial or waits for its time. */
export function End({ application, rows }: { application: string; rows: Schemas["RevisionRow"][] }) {
  const ending = rows.filter((row) => row.stage === "trial" || row.stage === "scheduled");
  if (ending.length === 0) return null;
  return <Act action="applications:end" label="End trial and schedule" given={{ application }} affects={<>{ending.map((row) => row.ref).join(", ")} no longer {ending.length > 1 ? "answer, watch or wait" : "answers, watches or waits"}; what is in force stays.</>} />;
}
