import { Button, TextInput } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { ago, moment, value } from "../../kit/show";

/** Every feature view: how much it holds and how fresh it is. */
export function FeatureViews() {
  const found = useAsk("features:list", {}, { refetchInterval: 30_000 });
  return (
    <>
      <Heading title="Features" under="What is known beside the request: values by key, each known since a moment." />
      <Panel>
        <Asked query={found}>
          {(rows) =>
            rows.length ? (
              <Rows
                label="Feature views"
                rows={rows}
                by={(row) => row.view}
                columns={[
                  { name: "view", cell: (row) => <Link to="/features/$view" params={{ view: row.view }}>{row.view}</Link> },
                  { name: "key", cell: (row) => row.key },
                  { name: "columns", cell: (row) => row.columns.map((column) => value(column.name)).join(", ") },
                  { name: "keys", cell: (row) => value(row.keys), right: true },
                  { name: "newest", cell: (row) => (row.newest ? <span title={moment(row.newest)}>{ago(row.newest)}</span> : "—") },
                  { name: "owner", cell: (row) => row.owner || "—" },
                ]}
              />
            ) : (
              <Empty>None yet. The first rows make a view: tenure features ingest VIEW FILE --key COLUMN</Empty>
            )
          }
        </Asked>
      </Panel>
    </>
  );
}

/** One view, and the values of a key now or at a moment. */
export function FeatureView({ name, at, asOf }: { name: string; at?: string; asOf?: string }) {
  const views = useAsk("features:list", {});
  return (
    <Asked query={views}>
      {(rows) => {
        const view = rows.find((row) => row.view === name);
        return view ? <One view={view} at={at ?? ""} asOf={asOf ?? ""} /> : <Empty>There is no feature view {name}.</Empty>;
      }}
    </Asked>
  );
}

function One({ view, at, asOf }: { view: Schemas["ViewAnswer"]; at: string; asOf: string }) {
  const [key, setKey] = useState(at);
  const [since, setSince] = useState(asOf);
  const found = useAsk("features:get", { view: view.view, key: at, as_of: asOf }, { enabled: at !== "", retry: false });
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: "/features/$view", params: { view: view.view }, search: { at: key.trim(), asOf: since.trim() } });
  };
  return (
    <>
      <Heading title={view.view} under={<><span>by {view.key}</span><span>owner {view.owner || "—"}</span><span>{value(view.keys)} keys</span></>} />
      <div className="columns">
        <Panel title="Columns">
          <Rows
            label="Columns"
            rows={view.columns}
            by={(column) => value(column.name)}
            columns={[
              { name: "column", cell: (column) => value(column.name) },
              { name: "type", cell: (column) => value(column.type) },
              { name: "default", cell: (column) => value(view.defaults[value(column.name)]), right: true },
            ]}
          />
        </Panel>
        <Panel title={`The values of one ${view.key}`}>
          <form className="stack" onSubmit={submit}>
            <TextInput label={view.key} value={key} onChange={(event) => setKey(event.currentTarget.value)} />
            <TextInput label="As known at" description="An RFC 3339 moment, or an age as 7d; empty is now" value={since} onChange={(event) => setSince(event.currentTarget.value)} />
            <div><Button size="xs" type="submit" disabled={!key.trim()}>Look up</Button></div>
          </form>
          {at && (
            <Asked query={found}>
              {(one) => (one.values ? <Facts of={[...Object.entries(one.values).map(([column, had]) => [column, value(had)] as const), ["known since", moment(one.known_at)]]} /> : <Empty>Nothing is known of {at}.</Empty>)}
            </Asked>
          )}
        </Panel>
      </div>
    </>
  );
}
