import { Select } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Filters } from "../../kit/Filters";
import { ApplicationLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { REVISION_STAGES } from "../../kit/words";
import { moment, percent, shortDigest, who } from "../../kit/show";
import { Differences } from "./Backtested";
import { End, RevisionActions } from "./RevisionActions";
import { Trial } from "./Trial";

/** Every revision and where it stands, what can be done with it, and how any two differ. */
export function Revisions({ application, now, stage = "" }: { application: string; now: number; stage?: string }) {
  const newest = useAsk("applications:revisions", { application }, { refetchInterval: 10_000 }).data ?? [];
  return (
    <>
      {newest.some((row) => row.stage === "trial") && <Trial application={application} />}
      <Panel title="Revisions" aside={<End application={application} rows={newest} />}>
        <Filters filters={[{ name: "stage", label: "State", choices: REVISION_STAGES }]} />
        <Listed action="applications:revisions" given={{ application, stage }} every={10_000} empty="None yet.">
          {(rows) => (
            <Rows
              label="Revisions"
              rows={rows}
              by={(row) => row.ref}
              columns={[
                { name: "revision", cell: (row) => <ApplicationLink of={row.ref} /> },
                { name: "state", cell: (row) => <span className="row"><Mark of={row.revision === now ? "in force" : row.stage} />{row.share !== null && <span className="small">{row.share ? `answers ${percent(row.share)}` : "watches"}</span>}<Schedules of={row.schedules} /></span> },
                { name: "written", cell: (row) => `${moment(row.at)} by ${who(row.actor)}` },
                { name: "why", cell: (row) => row.reason },
                { name: "approved by", cell: (row) => (row.approved_by ? `${who(row.approved_by)}${row.own_work ? " (own work)" : ""}` : "—") },
                { name: "", cell: (row) => <RevisionActions row={row} application={application} now={now} /> },
              ]}
            />
          )}
        </Listed>
      </Panel>
      <Difference application={application} numbers={newest.map((row) => row.revision)} now={now} />
      <Panel title="What was in force since when">
        <Listed action="applications:history" given={{ application }} cursor="past_cursor" empty="Nothing yet.">
          {(rows) => (
            <Rows
              label="In force"
              rows={rows}
              by={(row) => `${row.at} ${row.ref}`}
              columns={[
                { name: "since", cell: (row) => moment(row.at) },
                { name: "revision", cell: (row) => <ApplicationLink of={row.ref} /> },
                { name: "by", cell: (row) => who(row.actor) },
                { name: "why", cell: (row) => row.reason },
                { name: "digest", cell: (row) => <code title={row.digest}>{shortDigest(row.digest)}</code> },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
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

function Difference({ application, numbers, now }: { application: string; numbers: number[]; now: number }) {
  const names = numbers.map(String);
  // A newer one is what may come, an older one what has been: time runs to the right.
  const [first = String(now), second = String(now)] = [String(now), names.find((each) => each !== String(now)) ?? String(now)].sort((a, b) => Number(a) - Number(b));
  const [left, setOne] = useState("");
  const [right, setOther] = useState("");
  const [one, other] = [left || first, right || second];
  const diff = useAsk("applications:diff", { application, one: Number(one), other: Number(other) }, { enabled: one !== other });
  if (names.length < 2) return null;
  return (
    <Panel title="How two revisions differ" aside={<><Select aria-label="From revision" size="xs" w={90} data={names} value={one} onChange={(next) => next && setOne(next)} /> → <Select aria-label="To revision" size="xs" w={90} data={names} value={other} onChange={(next) => next && setOther(next)} /></>}>
      {one === other ? <p className="dim">Choose two.</p> : <Asked query={diff}>{(found) => <Differences changes={found.changes} />}</Asked>}
    </Panel>
  );
}
