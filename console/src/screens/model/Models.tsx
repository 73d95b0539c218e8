import { Filters } from "../../kit/Filters";
import { VersionLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";

/** Every model and which of its versions is in service. */
export function Models({ name = "" }: { name?: string }) {
  return (
    <>
      <Heading title="Models" under="What was learned: every version is a sealed package that can be run again." />
      <Panel>
        <Filters filters={[{ name: "name", label: "Name", placeholder: "a part of it" }]} />
      </Panel>
      <Panel>
        <Listed action="models:list" given={{ name }} empty="None yet. The first is registered by: tenure register PACKAGE">
          {(rows) => (
            <Rows
              label="Models"
              rows={rows}
              by={(row) => row.model}
              columns={[
                { name: "model", cell: (row) => <VersionLink of={row.model} /> },
                { name: "champion", cell: (row) => (row.champion ? <VersionLink of={`${row.model}/${row.champion}`} /> : "—") },
                { name: "other aliases", cell: (row) => Object.keys(row.aliases).every((alias) => alias === "champion") ? "—" : <span className="row">{Object.entries(row.aliases).filter(([alias]) => alias !== "champion").map(([alias, version]) => <span key={alias} className="row"><Mark of={alias} /><VersionLink of={`${row.model}/${version}`} /></span>)}</span> },
                { name: "versions", cell: (row) => row.versions, right: true },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
  );
}
