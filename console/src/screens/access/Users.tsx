import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useDo } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Mark } from "../../kit/Marks";
import { Once } from "../../kit/Once";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { moment } from "../../kit/show";
import { Holders } from "./Holders";
import { type Role, useRoleAndLimits } from "./RoleAndLimits";

/** Accounts of people: made, changed, closed. A one-time link opens a new one. */
export function Users() {
  const link = useDo("users:link");
  return (
    <Holders<"users:list", Schemas["UserAnswer"]>
      action="users:list"
      title="Accounts"
      place="user"
      empty="No account yet."
      aside={<NewUser made={(user) => link.mutate({ user })} />}
      by={(row) => row.user}
      names={[{ name: "name", cell: (row) => <span className="row">{row.user}{row.disabled_at && <Mark of="disabled" />}</span> }]}
      more={[{ name: "password", cell: (row) => (row.has_password ? "set" : "none yet") }]}
      actions={(row) => <UserActions user={row} />}
    >
      <Once title={`This link signs ${link.data?.subject ?? ""} in once, until ${moment(link.data?.expires_at)}`} text={link.data?.url ?? ""} close={link.reset} />
      {link.error && <ProblemPanel problem={link.error} />}
    </Holders>
  );
}

function NewUser({ made }: { made: (user: string) => void }) {
  const [user, setUser] = useState("");
  const limits = useRoleAndLimits("viewer");
  return (
    <Act action="users:create" label="New account" given={{ user, ...limits.given }} affects="Somebody can sign in as this role; a one-time link, shown next, opens the account." done={() => made(user)}>
      <TextInput label="Name" required value={user} onChange={(event) => setUser(event.currentTarget.value)} />
      {limits.fields}
    </Act>
  );
}

function UserActions({ user }: { user: Schemas["UserAnswer"] }) {
  const named = { user: user.user };
  const limits = useRoleAndLimits(user.role as Role, user.applications);
  if (user.disabled_at) return <Act action="users:enable" label="Enable" given={named} etag={user.etag} affects={`${user.user} can sign in again.`} />;
  return (
    <span className="row">
      <Act action="users:change" label="Change" given={{ ...named, ...limits.given }} etag={user.etag} begin={() => limits.begin(user.role as Role, user.applications)} affects={`What ${user.user} may do changes with the next request, in every session.`}>
        {limits.fields}
      </Act>
      <Act action="users:disable" label="Disable" given={named} etag={user.etag} affects={`${user.user} can no longer sign in, and all sessions of the account end.`} />
    </span>
  );
}
