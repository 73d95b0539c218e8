import { Alert, Button } from "@mantine/core";
import type { Problem } from "../api/call";
import { useAsk, useMay } from "../api/queries";
import { FieldChanges } from "./FieldChanges";
import { moment, who } from "./show";

/** Whether a write was refused because what it changes is no longer what the person saw. */
export function overtaken(problem: Problem): boolean {
  return problem.code === "precondition-failed" || problem.code === "precondition-required";
}

/** Somebody was faster: who, when, why, and what they changed. Nothing was done yet, and what was filled in stays; the person chooses. */
export function Changed({ problem, goOn, leave }: { problem: Problem; goOn: (etag: string) => void; leave: () => void }) {
  const target = String(problem.facts.what ?? "").replace(" ", "/");
  // Events about it are found by its bare name where its kind stands in the action alone.
  const named = useAsk("audit:log", { target, limit: 1 }, { enabled: useMay()("audit:log"), retry: false });
  const bare = useAsk("audit:log", { target: target.slice(target.indexOf("/") + 1), limit: 1 }, { enabled: named.data?.length === 0, retry: false });
  const last = named.data?.[0] ?? bare.data?.[0];
  const now = String(problem.facts.etag ?? "");
  return (
    <Alert color="orange" role="alert" title={problem.code === "precondition-failed" ? "Somebody changed it while you looked" : "It is there already"}>
      <div className="stack">
        <div>{last ? <>{moment(last.at)} by <strong>{who(last.actor)}</strong>{last.reason && `: ${last.reason}`}</> : "The audit log says who it was."}</div>
        {last && <FieldChanges event={last} />}
        <div>Nothing was done yet, and what you filled in is kept.</div>
        <div className="row">
          <Button size="xs" variant="default" onClick={leave}>Leave it as it is now</Button>
          <Button size="xs" color="orange" variant="light" onClick={() => goOn(now === "none" ? "" : now)}>I have seen it, go on with mine</Button>
        </div>
      </div>
    </Alert>
  );
}
