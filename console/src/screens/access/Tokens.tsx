import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Act } from "../../kit/Act";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Once } from "../../kit/Once";
import { Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment } from "../../kit/show";
import { useRoleAndLimits } from "./RoleAndLimits";

/** Tokens of programs: made, shown once, revoked. */
export function Tokens() {
  const [expires, setExpires] = useState("90d");
  const [rate, setRate] = useState("");
  const [text, setText] = useState("");
  const limits = useRoleAndLimits("caller");
  return (
    <Panel
      title="Tokens"
      aside={
        <Act action="tokens:create" label="New token" given={{ ...limits.given, expires, rate }} affects="Whoever has the token can do what its role can." done={(made) => setText(made.token)}>
          {limits.fields}
          <TextInput label="Expires" description="An age as 90d, or a moment; empty is never" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
          <TextInput label="At most" description="As 50/s, 600/min or 10000/h; empty is as often as it likes" value={rate} onChange={(event) => setRate(event.currentTarget.value)} />
        </Act>
      }
    >
      <Once title="The token is shown this once" text={text} close={() => setText("")} />
      <Listed action="tokens:list" given={{}} cursor="tokens_cursor" empty="No token yet.">
        {(rows) => (
          <Rows
            label="Tokens"
            rows={rows}
            by={(row) => row.id}
            columns={[
              { name: "id", cell: (row) => <code className="nowrap">{row.id}</code> },
              { name: "role", cell: (row) => row.role },
              { name: "for", cell: (row) => row.applications.join(", ") || "all" },
              { name: "made", cell: (row) => `${moment(row.created_at)} by ${row.created_by}` },
              { name: "expires", cell: (row) => (row.expires_at ? moment(row.expires_at) : "never") },
              { name: "", cell: (row) => (row.revoked_at ? <Mark of="revoked" /> : <Act action="tokens:revoke" label="Revoke" colour="red" given={{ token: row.id }} affects={`Whoever uses ${row.id}, of role ${row.role}, is turned away at every gateway from this moment on.`} />) },
            ]}
          />
        )}
      </Listed>
    </Panel>
  );
}
