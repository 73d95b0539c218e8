import { Button, Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useDo, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Pages } from "../../kit/Pages";
import { Rows } from "../../kit/Tables";
import { moment, percent, shortDigest } from "../../kit/show";
import { Backtested, Differences } from "./Backtested";
import { usePlacing } from "./Placing";
import { Trial } from "./Trial";

/** Every revision and where it stands, what can be done with it, and how any two differ. */
export function Revisions({ application, now }: { application: string; now: number }) {
  const revisions = useAsk("applications:revisions", { application }, { refetchInterval: 10_000 });
  const history = useAsk("applications:history", { application });
  return (
    <Asked query={revisions}>
      {(rows) => (
        <>
          {rows.some((row) => row.stage === "trial") && <Trial application={application} />}
          <Panel title="Revisions" aside={<End application={application} rows={rows} />}>
            <Pages rows={rows}>
              {(page) => (
                <Rows
                  label="Revisions"
                  rows={page}
                  by={(row) => row.ref}
                  columns={[
                    { name: "revision", cell: (row) => <Link to="/applications/$application" params={{ application }} search={{ revision: String(row.revision) }}>{row.ref}</Link> },
                    { name: "stands", cell: (row) => <span className="row"><Mark of={row.revision === now ? "in force" : row.stage} />{row.share !== null && <span className="small">{row.share ? `answers ${percent(row.share)}` : "watches"}</span>}<Schedules of={row.schedules} /></span> },
                    { name: "written", cell: (row) => `${moment(row.at)} by ${row.actor}` },
                    { name: "why", cell: (row) => row.reason },
                    { name: "approved by", cell: (row) => (row.approved_by ? `${row.approved_by}${row.own_work ? " (own work)" : ""}` : "—") },
                    { name: "", cell: (row) => <RevisionActions row={row} application={application} now={now} /> },
                  ]}
                />
              )}
            </Pages>
          </Panel>
          <Difference application={application} numbers={rows.map((row) => row.revision)} now={now} />
          <Panel title="What was in force since when">
            <Asked query={history}>
              {(past) => (
                <Pages rows={past}>
                  {(page) => (
                    <Rows
                      label="In force"
                      rows={page}
                      by={(row) => `${row.at} ${row.ref}`}
                      columns={[
                        { name: "since", cell: (row) => moment(row.at) },
                        { name: "revision", cell: (row) => row.ref },
                        { name: "by", cell: (row) => row.actor },
                        { name: "why", cell: (row) => row.reason },
                        { name: "digest", cell: (row) => <code title={row.digest}>{shortDigest(row.digest)}</code> },
                      ]}
                    />
                  )}
                </Pages>
              )}
            </Asked>
          </Panel>
        </>
      )}
    </Asked>
  );
}

function Schedules({ of }: { of: Schemas["ScheduleAnswer"][] }) {
  return (
    <>
      {of.filter((one) => one.state === "waiting" || one.state === "on" || one.state === "refused").slice(-1).map((one) => (
        <span key={one.from} className="small dim" title={`${one.actor}: ${one.reason}`}>{one.state}: from {moment(one.from)}{one.until && ` until ${moment(one.until)}`}{one.why && ` (${one.why})`}</span>
      ))}
    </>
  );
}

/** What can be done with a revision where it stands. */
function RevisionActions({ row, application, now }: { row: Schemas["RevisionRow"]; application: string; now: number }) {
  if (row.revision === now) return null;
  const named = { application, revision: row.revision };
  return (
    <span className="row">
      {!row.approved_by && row.stage === "draft" && (
        <Act action="applications:approve" label="Approve" given={named} wide affects={<>{row.ref}, by {row.actor}, may then be activated. What you see here is what you approve.</>}>
          <Evidence application={application} revision={row.revision} now={now} />
        </Act>
      )}
      {row.stage === "retired" ? (
        <Act action="applications:rollback" label={`Back to ${row.revision}`} given={{ application, to: row.revision }} affects={<>The next request to {application} is answered by <strong>{row.ref}</strong> instead of {application}/{now}.</>} />
      ) : (
        <Activate row={row} application={application} now={now} />
      )}
    </span>
  );
}

function Activate({ row, application, now }: { row: Schemas["RevisionRow"]; application: string; now: number }) {
  const placing = usePlacing(application, false);
  return (
    <Act action="applications:activate" label="Activate" given={{ application, revision: row.revision, ...placing.given }} affects={<>In force is {application}/{now}. {placing.says}</>}>
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
      {backtest.error && <ProblemPanel problem={backtest.error} />}
    </div>
  );
}

function End({ application, rows }: { application: string; rows: Schemas["RevisionRow"][] }) {
  const ending = rows.filter((row) => row.stage === "trial" || row.stage === "scheduled");
  if (ending.length === 0) return null;
  return <Act action="applications:end" label="End trial and schedule" given={{ application }} affects={<>{ending.map((row) => row.ref).join(", ")} no longer {ending.length > 1 ? "answer, watch or wait" : "answers, watches or waits"}; what is in force stays.</>} />;
}

function Difference({ application, numbers, now }: { application: string; numbers: number[]; now: number }) {
  const names = numbers.map(String);
  // A newer one is what may come, an older one what has been: time runs to the right.
  const [first = String(now), second = String(now)] = [String(now), names.find((each) => each !== String(now)) ?? String(now)].sort((a, b) => Number(a) - Number(b));
  const [one, setOne] = useState(first);
  const [other, setOther] = useState(second);
  const diff = useAsk("applications:diff", { application, one: Number(one), other: Number(other) }, { enabled: one !== other });
  if (names.length < 2) return null;
  return (
    <Panel title="How two revisions differ" aside={<><Select aria-label="From revision" size="xs" w={90} data={names} value={one} onChange={(next) => next && setOne(next)} /> → <Select aria-label="To revision" size="xs" w={90} data={names} value={other} onChange={(next) => next && setOther(next)} /></>}>
      {one === other ? <p className="dim">Choose two.</p> : <Asked query={diff}>{(found) => <Differences changes={found.changes} />}</Asked>}
    </Panel>
  );
}
