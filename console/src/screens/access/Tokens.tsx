import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { Mark } from "../../kit/Marks";
import { Once } from "../../kit/Once";
import { moment } from "../../kit/show";
import { Holders } from "./Holders";
import { useRoleAndLimits } from "./RoleAndLimits";

/** Tokens of programs: made, shown once, revoked. */
export function Tokens() {
  const [text, setText] = useState("");
  return (
    <Holders<"tokens:list", Schemas["TokenAnswer"]>
      action="tokens:list"
      title="Tokens"
      place="token"
      empty="No token yet."
      aside={<NewToken made={setText} />}
      by={(row) => row.id}
      names={[{ name: "name", cell: (row) => row.name || "—" }, { name: "id", cell: (row) => <code className="nowrap">{row.id}</code> }]}
      more={[{ name: "at most", cell: (row) => row.rate || "no limit" }, { name: "expires", cell: (row) => (row.expires_at ? moment(row.expires_at) : "never") }]}
      actions={(row) => (row.revoked_at ? <Mark of="revoked" /> : <Act action="tokens:revoke" label="Revoke" colour="red" given={{ token: row.id }} etag={row.etag} affects={`Whoever uses ${row.name || row.id}, of role ${row.role}, is turned away at every gateway from this moment on.`} />)}
    >
      <Once title="The token is shown this once" text={text} close={() => setText("")} />
    </Holders>
  );
}

function NewToken({ made }: { made: (text: string) => void }) {
  const [expires, setExpires] = useState("90d");
  const [rate, setRate] = useState("");
  const [name, setName] = useState("");
  const limits = useRoleAndLimits("caller");
  return (
    <Act action="tokens:create" label="New token" given={{ ...limits.given, name, expires, rate }} affects="Whoever has the token can do what its role can." done={({ token }) => made(token)}>
      <TextInput label="Name" description="What it is for; the audit log shows it" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      {limits.fields}
      <TextInput label="Expires" description="An age as 90d, or a moment; empty is never" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
      <TextInput label="At most" description="As 50/s, 600/min or 10000/h; empty is as often as it likes" value={rate} onChange={(event) => setRate(event.currentTarget.value)} />
    </Act>
  );
}
