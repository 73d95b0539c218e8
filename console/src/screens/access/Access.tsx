import { Alert, Code, MultiSelect, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAsk, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment } from "../../kit/show";

const ROLES = ["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"] as const;
type Role = (typeof ROLES)[number];

/** Who may come in: accounts, tokens, sessions. */
export function Access() {
  const may = useMay();
  return (
    <>
      <Heading title="Access" under="Who may come in, as what, and until when." />
      {may("users:list") && <Users />}
      <Tokens />
      {may("sessions:list") && <Sessions />}
    </>
  );
}

function RoleAndLimits({ role, setRole, names, setNames }: { role: Role; setRole: (role: Role) => void; names: string[]; setNames: (names: string[]) => void }) {
  const applications = useAsk("applications:list", {}).data ?? [];
  return (
    <>
      <Select label="Role" data={[...ROLES]} value={role} onChange={(next) => next && setRole(next as Role)} allowDeselect={false} comboboxProps={{ withinPortal: false }} />
      <MultiSelect label="Only for these applications" description="None named means all that the role allows" data={applications.map((one) => one.application)} value={names} onChange={setNames} comboboxProps={{ withinPortal: false }} />
    </>
  );
}

function Users() {
  const found = useAsk("users:list", {});
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [names, setNames] = useState<string[]>([]);
  return (
    <Panel
      title="Accounts"
      aside={
        <Act action="users:create" label="New account" given={{ user, role, applications: names }} affects="Somebody can sign in as this role; a one-time link opens the account.">
          <TextInput label="Name" required value={user} onChange={(event) => setUser(event.currentTarget.value)} />
          <RoleAndLimits role={role} setRole={setRole} names={names} setNames={setNames} />
        </Act>
      }
    >
      <Asked query={found}>
        {(rows) =>
          rows.length ? (
            <Rows
              label="Accounts"
              rows={rows}
              by={(row) => row.user}
              columns={[
                { name: "name", cell: (row) => row.user },
                { name: "role", cell: (row) => row.role },
                { name: "for", cell: (row) => row.applications.join(", ") || "all" },
                { name: "password", cell: (row) => (row.has_password ? "set" : "none yet") },
                { name: "made", cell: (row) => `${moment(row.created_at)} by ${row.created_by}` },
                { name: "", cell: (row) => (row.disabled_at ? <span className="row"><Mark of="disabled" /><Act action="users:enable" label="Enable" given={{ user: row.user }} affects={`${row.user} can sign in again.`} /></span> : <Act action="users:disable" label="Disable" given={{ user: row.user }} affects={`${row.user} can no longer sign in, and all sessions of the account end.`} />) },
              ]}
            />
          ) : (
            <Empty>No account yet.</Empty>
          )
        }
      </Asked>
    </Panel>
  );
}

function Tokens() {
  const found = useAsk("tokens:list", {});
  const [role, setRole] = useState<Role>("caller");
  const [names, setNames] = useState<string[]>([]);
  const [expires, setExpires] = useState("90d");
  const [text, setText] = useState("");
  return (
    <Panel
      title="Tokens"
      aside={
        <Act action="tokens:create" label="New token" given={{ role, applications: names, expires }} affects="Whoever has the token can do what its role can." done={(made) => setText(made.token)}>
          <RoleAndLimits role={role} setRole={setRole} names={names} setNames={setNames} />
          <TextInput label="Expires" description="An age as 90d, or a moment; empty is never" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
        </Act>
      }
    >
      {text && <Alert color="teal" mb="sm" withCloseButton onClose={() => setText("")} closeButtonLabel="it is kept, hide it" title="The token is shown this once"><Code block>{text}</Code></Alert>}
      <Asked query={found}>
        {(rows) => (
          <Rows
            label="Tokens"
            rows={rows}
            by={(row) => row.id}
            columns={[
              { name: "id", cell: (row) => <code>{row.id}</code> },
              { name: "role", cell: (row) => row.role },
              { name: "for", cell: (row) => row.applications.join(", ") || "all" },
              { name: "made", cell: (row) => `${moment(row.created_at)} by ${row.created_by}` },
              { name: "expires", cell: (row) => moment(row.expires_at) },
              { name: "", cell: (row) => (row.revoked_at ? <Mark of="revoked" /> : <Act action="tokens:revoke" label="Revoke" colour="red" given={{ token: row.id }} affects="Whoever uses it is turned away at every gateway from this moment on." />) },
            ]}
          />
        )}
      </Asked>
    </Panel>
  );
}

function Sessions() {
  const found = useAsk("sessions:list", {});
  return (
    <Panel title="Signed in now">
      <Asked query={found}>
        {(rows) => (
          <Rows
            label="Sessions"
            rows={rows}
            by={(row) => row.session}
            columns={[
              { name: "who", cell: (row) => row.subject },
              { name: "since", cell: (row) => moment(row.began_at) },
              { name: "until", cell: (row) => moment(row.expires_at) },
              { name: "", cell: (row) => <Act action="sessions:end" label="End" given={{ session: row.session }} affects={`${row.subject} is signed out there.`} /> },
            ]}
          />
        )}
      </Asked>
    </Panel>
  );
}
