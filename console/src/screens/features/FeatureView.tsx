import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { ApplicationLink } from "../../kit/Links";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { age, ago, moment, percent, several, value } from "../../kit/show";
import { Stale } from "./FeatureViews";

/** One view: what it holds, how fresh it is, who uses it; and the values of a key, now or at a moment. */
export function FeatureView({ name, at = "", asOf = "" }: { name: string; at?: string; asOf?: string }) {
  const shown = useAsk("features:show", { view: name }, { refetchInterval: 30_000 });
  return (
    <Asked query={shown}>
      {(view) => (
        <>
          <Heading title={view.view} under={<>{view.description && <span>{view.description}</span>}<span>by {view.key}</span><span>{several(view.keys, "key")}</span></>} />
          <div className="columns">
            <div>
              <Columns view={view} />
              <Standing view={view} />
            </div>
            <Lookup view={view.view} name={view.key} at={at} asOf={asOf} />
          </div>
        </>
      )}
    </Asked>
  );
}

function Columns({ view }: { view: Schemas["ViewDetail"] }) {
  return (
    <Panel title="Columns">
      <Rows
        label="Columns"
        rows={view.columns}
        by={(column) => value(column.name)}
        columns={[
          { name: "column", cell: (column) => value(column.name) },
          { name: "type", cell: (column) => value(column.type) },
          { name: "default", cell: (column) => value(view.defaults[value(column.name)]), right: true },
          { name: "keys without a value", cell: (column) => percent(view.missing[value(column.name)] ?? 0), right: true },
        ]}
      />
    </Panel>
  );
}

function Standing({ view }: { view: Schemas["ViewDetail"] }) {
  const feed = view.feed as { application?: string; event?: string } | null;
  return (
    <Panel title="Where it stands">
      <Facts
        of={[
          ["newest value", view.newest ? `${ago(view.newest)}, ${moment(view.newest)}` : "none yet"],
          ["out of date", <Stale key="s" view={view} />],
          ["used by", view.used_by.length ? <span key="u" className="row">{view.used_by.map((name) => <ApplicationLink key={name} of={name} />)}</span> : "no application in force"],
          ["owner", view.owner || "—"],
          ["entity", view.entity || "—"],
          ["comes from", feed ? `every ${feed.event} that ${feed.application} is told of, as it arrives` : "rows that a job ingests"],
          ...view.watermarks.map((one) => [`read from ${one.source}`, `up to ${one.column} ${value(one.value)}, ${moment(one.at)}`] as const),
        ]}
      />
    </Panel>
  );
}

function Lookup({ view, name, at, asOf }: { view: string; name: string; at: string; asOf: string }) {
  const [key, setKey] = useState(at);
  const [since, setSince] = useState(asOf);
  const found = useAsk("features:get", { view, key: at, as_of: asOf }, { enabled: at !== "", retry: false });
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: "/features/$view", params: { view }, search: { at: key.trim(), asOf: since.trim() } });
  };
  return (
    <Panel title={`The values of one ${name}`}>
      <form className="stack" onSubmit={submit}>
        <TextInput label={name} value={key} onChange={(event) => setKey(event.currentTarget.value)} />
        <TextInput label="As known at" description="An RFC 3339 moment, or an age as 7d; empty is now" value={since} onChange={(event) => setSince(event.currentTarget.value)} />
        <div><Button size="xs" type="submit" disabled={!key.trim()}>Look up</Button></div>
      </form>
      {at && (
        <div className="outcome">
          <Asked query={found}>
            {(one) => (one.values ? <Facts of={[...Object.entries(one.values).map(([column, had]) => [column, value(had)] as const), ["known since", `${moment(one.known_at)}${one.age === null ? "" : `, ${age(one.age)} ago`}`]]} /> : <Empty>Nothing is known of {at}.</Empty>)}
          </Asked>
        </div>
      )}
    </Panel>
  );
}
