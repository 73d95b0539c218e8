import { ApplicationLink, VersionLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment } from "../../kit/show";

/** Every application and its revision in force. */
export function Applications() {
  return (
    <>
      <Heading title="Applications" under="What answers requests: rules, features and the use of a model, changed by revisions." />
      <Panel>
        <Listed action="applications:list" given={{}} empty="None yet. A first one is written by: tenure init NAME --model MODEL@champion">
          {(rows) => (
            <Rows
              label="Applications"
              rows={rows}
              by={(row) => row.application}
              columns={[
                { name: "application", cell: (row) => <ApplicationLink of={row.application} /> },
                { name: "revision", cell: (row) => row.revision, right: true },
                { name: "model", cell: (row) => (row.model ? <VersionLink of={row.model.split("@")[0] ?? ""}>{row.model}</VersionLink> : "—") },
                { name: "changed", cell: (row) => moment(row.at) },
                { name: "by", cell: (row) => row.actor },
                { name: "why", cell: (row) => row.reason },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
  );
}
