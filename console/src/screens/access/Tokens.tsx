import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Act } from "../../kit/Act";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Once } from "../../kit/Once";
import { Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { usePlace } from "../../kit/place";
import { moment, who } from "../../kit/show";
import { ROLES } from "../../kit/words";
import { useRoleAndLimits } from "./RoleAndLimits";

/** Tokens of programs: made, shown once, revoked. */
export function Tokens() {
  const [expires, setExpires] = useState("90d");
  const [rate, setRate] = useState("");
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const limits = useRoleAndLimits("caller");
  const [search] = usePlace();
  return (
    <Panel
      title="Tokens"
      aside={
        <Act action="tokens:create" label="New token" given={{ ...limits.given, name, expires, rate }} affects="Whoever has the token can do what its role can." done={(made) => setText(made.token)}>
          <TextInput label="Name" description="What it is for; the audit log shows it" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          {limits.fields}
          <TextInput label="Expires" description="An age as 90d, or a moment; empty is never" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
          <TextInput label="At most" description="As 50/s, 600/min or 10000/h; empty is as often as it likes" value={rate} onChange={(event) => setRate(event.currentTarget.value)} />
        </Act>
      }
    >
      <Once title="The token is shown this once" text={text} close={() => setText("")} />
      <Filters cursor="tokens_cursor" filters={[{ name: "token", label: "Name", placeholder: "a part of it" }, { name: "token_role", label: "Role", choices: ROLES }]} />
      <Listed action="tokens:list" given={{ name: search.token ?? "", role: search.token_role ?? "" }} cursor="tokens_cursor" empty="No token yet.">
        {(rows) => (
          <Rows
            label="Tokens"
            rows={rows}
            by={(row) => row.id}
            columns={[
              { name: "name", cell: (row) => row.name || "—" },
              { name: "id", cell: (row) => <code className="nowrap">{row.id}</code> },
              { name: "role", cell: (row) => row.role },
              { name: "for", cell: (row) => row.applications.join(", ") || "all" },
              { name: "at most", cell: (row) => row.rate || "no limit" },
              { name: "made", cell: (row) => `${moment(row.created_at)} by ${who(row.created_by)}` },
              { name: "expires", cell: (row) => (row.expires_at ? moment(row.expires_at) : "never") },
              { name: "", cell: (row) => (row.revoked_at ? <Mark of="revoked" /> : <Act action="tokens:revoke" label="Revoke" colour="red" given={{ token: row.id }} affects={`Whoever uses ${row.id}, of role ${row.role}, is turned away at every gateway from this moment on.`} />) },
            ]}
          />
        )}
      </Listed>
    </Panel>
  );
}
