import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { moment, shortDigest, value, words } from "../../kit/show";

/** Every change there ever was, with who, why, and what it was before; the chain verified. */
export function Audit({ target = "" }: { target?: string }) {
  const found = useAsk("audit:log", { target, limit: 200 }, { refetchInterval: 10_000, placeholderData: (before) => before });
  const verified = useAsk("audit:verify", {}, { enabled: useMay()("audit:verify"), staleTime: 60_000 });
  const [text, setText] = useState(target);
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: "/audit", search: { target: text.trim() } });
  };
  return (
    <>
      <Heading title="Audit log" under={verified.data && <><Mark of={verified.data.intact ? "chain verified" : "chain broken"} />{Object.entries(verified.data.checked).map(([what, count]) => `${value(count)} ${what}`).join(", ")}{verified.data.problems.join("; ")}</>} />
      <Panel>
        <form className="filters" onSubmit={submit} role="search">
          <TextInput label="About" placeholder="churn/2, churn-offers, policy …" value={text} onChange={(event) => setText(event.currentTarget.value)} />
          <Button type="submit">Search</Button>
        </form>
      </Panel>
      <Panel title={target ? `About ${target}, newest first` : "Newest first"}>
        <Asked query={found}>
          {(rows) => (rows.length ? <ol className="timeline">{rows.map((row) => <Event key={row.sequence} event={row} />)}</ol> : <Empty>Nothing was changed.</Empty>)}
        </Asked>
      </Panel>
    </>
  );
}

function Event({ event }: { event: Schemas["EventAnswer"] }) {
  const names = [...new Set([...Object.keys(event.before), ...Object.keys(event.after)])];
  const changed = names.filter((name) => JSON.stringify(event.before[name]) !== JSON.stringify(event.after[name]));
  return (
    <li data-on="true">
      <div className="step">
        <h3>{words(event.action.replace(":", " "))} {event.target}</h3>
        <span className="dim small">{moment(event.at)} by {event.actor} ({event.role}) · {event.sequence} · <code title={event.digest}>{shortDigest(event.digest)}</code></span>
      </div>
      {event.reason && <div>{event.reason}</div>}
      {changed.length > 0 && (
        <details className="small">
          <summary>{changed.length} fields</summary>
          <ul className="plain diff">
            {changed.map((name) => (
              <li key={name}>
                <strong>{name}</strong>
                {event.before[name] !== undefined && event.before[name] !== null && <del>{value(event.before[name])}</del>}
                {event.after[name] !== undefined && event.after[name] !== null && <ins>{value(event.after[name])}</ins>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
