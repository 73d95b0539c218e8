import { Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, words } from "../../kit/show";

/** Who is told of alerts, and what could not be told. */
export function Webhooks() {
  const found = useAsk("webhooks:list", {}, { refetchInterval: 10_000 });
  return (
    <Panel title="Who is told of alerts" aside={<SetWebhook label="New webhook" />}>
      <Asked query={found}>
        {(rows) =>
          rows.length === 0 ? <Empty>Nobody: alerts stand on their page and on the overview alone.</Empty> : (
            <>
              <Rows
                label="Webhooks"
                rows={rows}
                by={(one) => one.webhook}
                columns={[
                  { name: "webhook", cell: (one) => one.webhook },
                  { name: "address", cell: (one) => <code>{one.url}</code> },
                  { name: "signed with", cell: (one) => <code>${one.secret_env}</code> },
                  { name: "delivered", cell: (one) => one.delivered, right: true },
                  { name: "wait", cell: (one) => one.waiting.length, right: true },
                  { name: "given up", cell: (one) => <span className={one.dead.length ? "bad" : undefined}>{one.dead.length}</span>, right: true },
                  { name: "", cell: (one) => <span className="row"><SetWebhook label="Change" webhook={one} /><Act action="webhooks:remove" label="Remove" colour="red" given={{ webhook: one.webhook }} etag={one.etag} affects={`${one.url} is told of no alert any more; what waits for it goes too.`} /></span> },
                ]}
              />
              <Late deliveries={rows.flatMap((one) => [...one.dead, ...one.waiting])} />
            </>
          )
        }
      </Asked>
    </Panel>
  );
}

function Late({ deliveries }: { deliveries: Schemas["DeliveryAnswer"][] }) {
  if (deliveries.length === 0) return null;
  return (
    <Rows
      label="Notices on their way"
      rows={deliveries.slice(0, 50)}
      by={(one) => one.id}
      columns={[
        { name: "notice", cell: (one) => words(one.what) },
        { name: "to", cell: (one) => one.webhook },
        { name: "state", cell: (one) => <Mark of={one.state} /> },
        { name: "attempts", cell: (one) => one.attempts, right: true },
        { name: "next", cell: (one) => (one.next_at ? moment(one.next_at) : "—") },
        { name: "what went wrong", cell: (one) => one.error || "—" },
        { name: "", cell: (one) => <Act action="webhooks:retry" label="Try again" given={{ delivery: one.id }} affects={`${one.webhook} is told at once.`} /> },
      ]}
    />
  );
}

function SetWebhook({ label, webhook }: { label: string; webhook?: Schemas["WebhookAnswer"] }) {
  const [name, setName] = useState(webhook?.webhook ?? "");
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [secret, setSecret] = useState(webhook?.secret_env ?? "");
  const [clear, setClear] = useState(webhook?.allow_http ?? false);
  const begin = () => {
    setName(webhook?.webhook ?? "");
    setUrl(webhook?.url ?? "");
    setSecret(webhook?.secret_env ?? "");
    setClear(webhook?.allow_http ?? false);
  };
  return (
    <Act action="webhooks:set" label={label} given={{ webhook: name, url, secret_env: secret, allow_http: clear }} begin={begin} etag={webhook?.etag ?? ""} affects="Every alert that opens from now on is told there, signed: the version, the column and the numbers leave the machine.">
      <TextInput label="Name" required disabled={webhook !== undefined} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput label="Address" description="https; http on this machine only" required placeholder="https://chat.example.com/hooks/…" value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
      <TextInput label="Variable of the server that holds the secret" required placeholder="TENURE_WEBHOOK_SECRET" value={secret} onChange={(event) => setSecret(event.currentTarget.value)} />
      <Checkbox label="Send in the clear, in a network you trust" checked={clear} onChange={(event) => setClear(event.currentTarget.checked)} />
    </Act>
  );
}
