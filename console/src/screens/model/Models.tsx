import { Link } from "@tanstack/react-router";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";

/** Every model and which of its versions is in service. */
export function Models() {
  const found = useAsk("models:list", {});
  return (
    <>
      <Heading title="Models" under="What was learned: every version is a sealed package that can be run again." />
      <Panel>
        <Asked query={found}>
          {(rows) =>
            rows.length ? (
              <Rows
                label="Models"
                rows={rows}
                by={(row) => row.model}
                columns={[
                  { name: "model", cell: (row) => <Link to="/models/$model" params={{ model: row.model }}>{row.model}</Link> },
                  { name: "champion", cell: (row) => (row.champion ? <Link to="/models/$model/$version" params={{ model: row.model, version: String(row.champion) }}>{row.model}/{row.champion}</Link> : "—") },
                  { name: "other aliases", cell: (row) => Object.entries(row.aliases).filter(([alias]) => alias !== "champion").map(([alias, version]) => `${alias} ${version}`).join(", ") || "—" },
                  { name: "versions", cell: (row) => row.versions, right: true },
                ]}
              />
            ) : (
              <Empty>None yet. The first is registered by: tenure register PACKAGE</Empty>
            )
          }
        </Asked>
      </Panel>
    </>
  );
}
