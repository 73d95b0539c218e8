import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useDo } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Filters } from "../../kit/Filters";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Once } from "../../kit/Once";
import { Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Rows } from "../../kit/Tables";
import { usePlace } from "../../kit/place";
import { moment, who } from "../../kit/show";
import { ROLES } from "../../kit/words";
import { type Role, useRoleAndLimits } from "./RoleAndLimits";

/** Accounts of people: made, changed, closed. A one-time link opens a new one. */
export function Users() {
  const [user, setUser] = useState("");
  const link = useDo("users:link");
  const limits = useRoleAndLimits("viewer");
  const [search] = usePlace();
  return (
    <Panel
      title="Accounts"
      aside={
        <Act action="users:create" label="New account" given={{ user, ...limits.given }} affects="Somebody can sign in as this role; a one-time link, shown next, opens the account." done={() => link.mutate({ user })}>
          <TextInput label="Name" required value={user} onChange={(event) => setUser(event.currentTarget.value)} />
          {limits.fields}
        </Act>
      }
    >
      <Once title={`This link signs ${link.data?.subject ?? ""} in once, until ${moment(link.data?.expires_at)}`} text={link.data?.url ?? ""} close={link.reset} />
      {link.error && <ProblemPanel problem={link.error} />}
      <Filters cursor="users_cursor" filters={[{ name: "user", label: "Name", placeholder: "a part of it" }, { name: "user_role", label: "Role", choices: ROLES }]} />
      <Listed action="users:list" given={{ name: search.user ?? "", role: search.user_role ?? "" }} cursor="users_cursor" empty="No account yet.">
        {(rows) => (
          <Rows
            label="Accounts"
            rows={rows}
            by={(row) => row.user}
            columns={[
              { name: "name", cell: (row) => <span className="row">{row.user}{row.disabled_at && <Mark of="disabled" />}</span> },
              { name: "role", cell: (row) => row.role },
              { name: "for", cell: (row) => row.applications.join(", ") || "all" },
              { name: "password", cell: (row) => (row.has_password ? "set" : "none yet") },
              { name: "made", cell: (row) => `${moment(row.created_at)} by ${who(row.created_by)}` },
              { name: "", cell: (row) => <UserActions user={row} /> },
            ]}
          />
        )}
      </Listed>
    </Panel>
  );
}

function UserActions({ user }: { user: Schemas["UserAnswer"] }) {
  const named = { user: user.user };
  const limits = useRoleAndLimits(user.role as Role, user.applications);
  if (user.disabled_at) return <Act action="users:enable" label="Enable" given={named} affects={`${user.user} can sign in again.`} />;
  return (
    <span className="row">
      <Act action="users:change" label="Change" given={{ ...named, ...limits.given }} affects={`What ${user.user} may do changes with the next request, in every session.`}>
        {limits.fields}
      </Act>
      <Act action="users:disable" label="Disable" given={named} affects={`${user.user} can no longer sign in, and all sessions of the account end.`} />
    </span>
  );
}
