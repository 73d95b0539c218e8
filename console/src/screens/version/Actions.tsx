import { NumberInput, Select } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";

/** What can be done with a version where it stands; each says whom it affects. */
export function Actions({ version }: { version: Schemas["VersionDetail"] }) {
  const named = { model: version.model, version: String(version.version) };
  const users = useDependants(version);
  const stage = version.stage;
  const isChampion = version.aliases.includes("champion");
  return (
    <>
      {stage === "registered" && <Act action="versions:approve" label="Approve" given={named} affects={<>{version.ref} may then be deployed. What you saw of it is what you approve: its metrics, its contract and its seal.</>} />}
      {["registered", "approved", "decommissioned", "deployed"].includes(stage) && !isChampion && <DeployButton version={version} />}
      {stage === "deployed" && !isChampion && (
        <Act action="versions:promote" label="Promote" primary given={named} affects={<>It becomes the champion of {version.model}. {users.length ? <>The next requests to <strong>{users.join(", ")}</strong> are scored by it.</> : "No application uses this model yet."} The version before stays warm, so that it can be taken back.</>} />
      )}
      {isChampion && <Act action="models:rollback" label="Roll back" given={{ model: version.model }} affects={<>The champion before takes over at {users.length ? users.join(", ") : "once"}; {version.ref} stays deployed.</>} />}
      {["approved", "deployed"].includes(stage) && <DecommissionButton version={version} users={isChampion ? users : []} />}
      {stage === "decommissioned" && <Act action="versions:archive" label="Archive" given={named} affects={<>A restore of {version.ref} is proven, a second copy is written, its warm environment is dropped. Its decisions can still be explained and run again.</>} />}
      {stage === "archived" && <Act action="versions:destroy" label="Destroy" colour="red" typed={version.ref} given={named} affects={<>The package and every file of {version.ref} alone go for ever; its tombstone stays, and its decisions cannot be run again. The first call proposes, another person’s destroys.</>} />}
      {stage === "archived" && <Act action="versions:restore" label="Restore" given={named} affects={<>{version.ref} can be deployed again. Nothing is served by it yet.</>} />}
    </>
  );
}

function DeployButton({ version }: { version: Schemas["VersionDetail"] }) {
  const [as, setAs] = useState("warm");
  const [share, setShare] = useState(0.1);
  const roles = [
    { value: "warm", label: "warm: ready, without traffic" },
    { value: "shadow", label: "shadow: asked beside the champion, never answers" },
    { value: "canary", label: "canary: answers a share of the entities" },
    { value: "champion", label: "champion: answers everything" },
  ];
  const given = { model: version.model, version: String(version.version), as: as as "warm", ...(as === "canary" ? { share } : {}) };
  return (
    <Act action="versions:deploy" label={version.stage === "deployed" ? "Change its part" : "Deploy"} primary={version.stage !== "deployed"} given={given} affects={<>A worker of {version.ref} is started and is ready before anything changes for anybody.</>}>
      <Select label="As" data={roles} value={as} onChange={(value) => value && setAs(value)} allowDeselect={false} comboboxProps={{ withinPortal: false }} />
      {as === "canary" && <NumberInput label="Share of the entities" value={share} onChange={(value) => setShare(Number(value))} min={0} max={1} step={0.05} />}
    </Act>
  );
}

function DecommissionButton({ version, users }: { version: Schemas["VersionDetail"]; users: string[] }) {
  const [successor, setSuccessor] = useState<string | null>(null);
  const others = useAsk("versions:list", { model: version.model }).data?.filter((one) => one.ref !== version.ref && one.stage === "deployed") ?? [];
  return (
    <Act
      action="versions:decommission"
      label="Decommission"
      colour="red"
      typed={version.ref}
      given={{ model: version.model, version: String(version.version), ...(successor ? { successor } : {}) }}
      affects={users.length ? <>It is in use: <strong>{users.join(", ")}</strong> ask {version.model}@champion, and that is this version. It is refused until another version is promoted.</> : <>Requests in flight end, then its worker stops. No application depends on it.</>}
    >
      <Select label="Successor" description="The version that does its work now" data={others.map((one) => one.ref)} value={successor} onChange={setSuccessor} clearable comboboxProps={{ withinPortal: false }} />
    </Act>
  );
}

/** The applications that use this version's model. */
export function useDependants(version: Schemas["VersionDetail"]): string[] {
  const applications = useAsk("applications:list", {}).data ?? [];
  return applications.filter((one) => one.model.split("@")[0] === version.model).map((one) => one.application);
}
