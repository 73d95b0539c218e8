import { Link } from "@tanstack/react-router";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment } from "../../kit/show";

/** Every application and its revision in force. */
export function Applications() {
  const found = useAsk("applications:list", {});
  return (
    <>
      <Heading title="Applications" under="What answers requests: rules, features and the use of a model, changed by revisions." />
      <Panel>
        <Asked query={found}>
          {(rows) =>
            rows.length ? (
              <Rows
                label="Applications"
                rows={rows}
                by={(row) => row.application}
                columns={[
                  { name: "application", cell: (row) => <Link to="/applications/$application" params={{ application: row.application }}>{row.application}</Link> },
                  { name: "revision", cell: (row) => row.revision, right: true },
                  { name: "model", cell: (row) => row.model || "—" },
                  { name: "changed", cell: (row) => moment(row.at) },
                  { name: "by", cell: (row) => row.actor },
                  { name: "why", cell: (row) => row.reason },
                ]}
              />
            ) : (
              <Empty>None yet. A first one is written by: tenure init NAME --model MODEL@champion</Empty>
            )
          }
        </Asked>
      </Panel>
    </>
  );
}
