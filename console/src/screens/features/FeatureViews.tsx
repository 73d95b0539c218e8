import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/call";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { age, ago, moment, number, value } from "../../kit/show";

/** Every feature view: how much it holds and how fresh it is. */
export function FeatureViews({ name = "", owner = "" }: { name?: string; owner?: string }) {
  return (
    <>
      <Heading title="Features" under="What is known beside the request: values by key, each known since a moment." />
      <Panel>
        <Filters filters={[{ name: "name", label: "Name", placeholder: "a part of it" }, { name: "owner", label: "Owner" }]} />
      </Panel>
      <Panel>
        <Listed action="features:list" given={{ name, owner }} every={30_000} empty="None yet. The first rows make a view: tenure features ingest VIEW FILE --key COLUMN">
          {(rows) => (
            <Rows
              label="Feature views"
              rows={rows}
              by={(row) => row.view}
              columns={[
                { name: "view", cell: (row) => <Link to="/features/$view" params={{ view: row.view }} className="nowrap">{row.view}</Link> },
                { name: "key", cell: (row) => row.key },
                { name: "columns", cell: (row) => row.columns.map((column) => value(column.name)).join(", ") },
                { name: "keys", cell: (row) => value(row.keys), right: true },
                { name: "newest", cell: (row) => (row.newest ? <span title={moment(row.newest)} className="nowrap">{ago(row.newest)}</span> : "—") },
                { name: "out of date", cell: (row) => <Stale view={row} />, right: true },
                { name: "owner", cell: (row) => row.owner || "—" },
              ]}
            />
          )}
        </Listed>
      </Panel>
    </>
  );
}

/** How many keys are older than the view allows, where it says so. */
export function Stale({ view }: { view: Schemas["ViewAnswer"] }) {
  if (view.ttl === null) return <span className="dim">no limit</span>;
  return <span className={view.stale ? "bad" : "good"}>{number(view.stale)} of {number(view.keys)} older than {age(view.ttl)}</span>;
}
