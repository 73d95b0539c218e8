import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useAsk } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { ApplicationLink, VersionLink } from "../../kit/Links";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { moment, who } from "../../kit/show";

/** Legal holds in force: what may be neither destroyed nor erased. */
export function Holds() {
  const found = useAsk("retention:list", {});
  const [target, setTarget] = useState("");
  const [entity, setEntity] = useState("");
  const fields = (
    <>
      <TextInput label="What" description="MODEL/VERSION, a model or an application" required value={target} onChange={(event) => setTarget(event.currentTarget.value)} />
      <TextInput label="Only this person" description="As requests of the application name them; empty is everything" value={entity} onChange={(event) => setEntity(event.currentTarget.value)} />
    </>
  );
  return (
    <Panel
      title="Legal holds"
      aside={
        <>
          <Act action="holds:add" label="Place a hold" given={{ target, entity }} affects="Nothing under it can be destroyed, erased or expire, by anybody, until it is released.">{fields}</Act>
          <Act action="holds:release" label="Release one on a person" given={{ target, entity }} affects="What was kept for that person alone may be erased and expire again.">{fields}</Act>
        </>
      }
    >
      <Asked query={found}>
        {({ holds }) =>
          holds.length === 0 ? <Empty>None: retention periods alone say what must be kept.</Empty> : (
            <Rows
              label="Legal holds"
              rows={holds}
              by={(one) => one.target}
              columns={[
                { name: "on", cell: (one) => <Target of={one.target} /> },
                { name: "why", cell: (one) => one.reason },
                { name: "placed", cell: (one) => `${moment(one.placed_at)} by ${who(one.placed_by)}` },
                { name: "", cell: (one) => (one.target.startsWith("person:") ? null : <Act action="holds:release" label="Release" given={{ target: one.target.split(":")[1] ?? "" }} affects={`${one.target.replace(":", " ")} may be destroyed, erased and expire again once its own time is over.`} />) },
              ]}
            />
          )
        }
      </Asked>
    </Panel>
  );
}

function Target({ of }: { of: string }) {
  const [kind, name = ""] = of.split(":");
  if (kind === "version" || kind === "model") return <>{kind} <VersionLink of={name} /></>;
  if (kind === "application") return <>{kind} <ApplicationLink of={name} /></>;
  return <>{kind} <code>{name.slice(0, 12)}</code></>;
}
