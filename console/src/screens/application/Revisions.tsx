import { Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, shortDigest } from "../../kit/show";
import { Differences } from "./Backtested";

/** What was in force since when, and how any two revisions differ. */
export function Revisions({ application, now }: { application: string; now: number }) {
  const history = useAsk("applications:history", { application });
  return (
    <>
      <Panel title="In force">
        <Asked query={history}>
          {(rows) => (
            <Rows
              label="Revisions"
              rows={rows}
              by={(row) => `${row.at} ${row.ref}`}
              columns={[
                { name: "revision", cell: (row) => <Link to="/applications/$application" params={{ application }} search={{ revision: numberOf(row.ref) }}>{row.ref}</Link> },
                { name: "since", cell: (row) => moment(row.at) },
                { name: "by", cell: (row) => row.actor },
                { name: "why", cell: (row) => row.reason },
                { name: "digest", cell: (row) => <code title={row.digest}>{shortDigest(row.digest)}</code> },
                {
                  name: "",
                  cell: (row) => (row === rows[0] ? <Mark of="in force" /> : Number(numberOf(row.ref)) !== now && (
                    <Act action="applications:rollback" label={`Back to ${numberOf(row.ref)}`} given={{ application, to: Number(numberOf(row.ref)) }} affects={<>The next request to {application} is answered by <strong>{row.ref}</strong> instead of {application}/{now}.</>} />
                  )),
                },
              ]}
            />
          )}
        </Asked>
      </Panel>
      <Asked query={history}>{(rows) => <Difference application={application} numbers={[...new Set(rows.map((row) => Number(numberOf(row.ref))))].sort((one, other) => other - one)} />}</Asked>
    </>
  );
}

function Difference({ application, numbers }: { application: string; numbers: number[] }) {
  const names = numbers.map(String);
  const [one, setOne] = useState(names[1] ?? names[0] ?? "1");
  const [other, setOther] = useState(names[0] ?? "1");
  const diff = useAsk("applications:diff", { application, one: Number(one), other: Number(other) }, { enabled: one !== other });
  if (names.length < 2) return null;
  return (
    <Panel title="How two revisions differ" aside={<><Select aria-label="From revision" size="xs" w={90} data={names} value={one} onChange={(next) => next && setOne(next)} /> → <Select aria-label="To revision" size="xs" w={90} data={names} value={other} onChange={(next) => next && setOther(next)} /></>}>
      {one !== other && <Asked query={diff}>{(found) => <Differences changes={found.changes} />}</Asked>}
    </Panel>
  );
}

export function numberOf(ref: string): string {
  return ref.split("/")[1] ?? "";
}
