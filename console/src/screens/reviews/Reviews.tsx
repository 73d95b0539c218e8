import { Link } from "@tanstack/react-router";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { ago, fields, moment } from "../../kit/show";

/** What waits for a person: those that have waited longest first. */
export function Reviews({ application = "" }: { application?: string }) {
  const found = useAsk("decisions:reviews", { application, limit: 200 }, { refetchInterval: 10_000 });
  return (
    <>
      <Heading title="Reviews" under={application ? `Decisions of ${application} that wait for a person` : "Decisions that wait for a person, those that have waited longest first."} />
      <Panel>
        <Asked query={found}>
          {(rows) =>
            rows.length ? (
              <Rows
                label="Reviews"
                rows={rows}
                by={(row) => row.decision_id}
                columns={[
                  { name: "decision", cell: (row) => <Link to="/decisions/$decision" params={{ decision: row.decision_id }} className="mono">{row.decision_id}</Link> },
                  { name: "waits", cell: (row) => <span title={moment(row.since)} className="nowrap">since {ago(row.since)}</span> },
                  { name: "for", cell: (row) => <span className="row"><Mark of={row.what} />{row.queue}</span> },
                  { name: "application", cell: (row) => row.application },
                  { name: "answer", cell: (row) => fields(row.answer) },
                  { name: "proposed", cell: (row) => (row.proposed ? `${fields(row.proposed)} by ${row.proposed_by}` : "—") },
                  { name: "rules", cell: (row) => row.rules.join(", ") },
                ]}
              />
            ) : (
              <Empty>Nothing waits.</Empty>
            )
          }
        </Asked>
      </Panel>
    </>
  );
}
