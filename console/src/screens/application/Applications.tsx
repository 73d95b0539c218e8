import { Filters } from "../../kit/Filters";
import { ApplicationLink, VersionLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, who } from "../../kit/show";

/** Every application and its revision in force. */
export function Applications({ name = "", project = "", owner = "" }: { name?: string; project?: string; owner?: string }) {
  return (
    <>
      <Heading title="Applications" under="What answers requests: rules, features and the use of a model, changed by revisions." />
      <Panel>
        <Filters filters={[{ name: "name", label: "Name", placeholder: "a part of it" }, { name: "project", label: "Project" }, { name: "owner", label: "Owner" }]} />
      </Panel>
      <Panel>
        <Listed action="applications:list" given={{ name, project, owner }} empty="None yet. A first one is written by: tenure init NAME --model MODEL@champion">
          {(rows) => (
            <Rows
              label="Applications"
              rows={rows}
              by={(row) => row.application}
              columns={[
                { name: "application", cell: (row) => <ApplicationLink of={row.application} /> },
                { name: "revision", cell: (row) => row.revision, right: true },
                { name: "model", cell: (row) => (row.model ? <VersionLink of={row.model.split("@")[0] ?? ""}>{row.model}</VersionLink> : "—") },
                { name: "project", cell: (row) => row.project || "—" },
                { name: "owner", cell: (row) => row.owner || "—" },
                { name: "changed", cell: (row) => <span className="nowrap">{moment(row.at)}</span> },
                { name: "by", cell: (row) => who(row.actor) },
                { name: "why", cell: (row) => row.reason },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
  );
}
