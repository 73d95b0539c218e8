import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Empty, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { value } from "../../kit/show";

interface Place {
  state?: string;
  pid?: number;
  restarts?: number;
  last_end?: string;
  reason?: string;
  python?: string;
}

interface Serving {
  workers?: Record<string, Place>;
  gateways?: Record<string, Place>;
  control?: Place;
}

/** Every process of the home as the supervisor sees it. */
export function Processes({ status }: { status: Schemas["StatusAnswer"] }) {
  const serving = status.serving as Serving | null;
  const rows = [
    ...Object.entries(serving?.gateways ?? {}).map(([name, place]) => ({ name, ref: "", place })),
    ...(serving?.control ? [{ name: "control", ref: "", place: serving.control }] : []),
    ...Object.entries(serving?.workers ?? {}).map(([ref, place]) => ({ name: `worker ${ref}`, ref, place })),
  ];
  return (
    <Panel
      title="Processes"
      aside={
        <>
          <span title="The number of the newest snapshot that gateways and workers serve by">snapshot {value(status.generation)}</span>
          <Act action="restart" label="Restart gateways" given={{ parts: ["gateways"] }} affects="Each gateway is replaced by a new one that answers before the old one drains: no request is lost." />
          <Act action="restart" label="Restart all" given={{ parts: ["gateways", "supervisor", "control"] }} affects="Supervisor, control and every gateway are replaced, as after an upgrade; workers go on, no request is lost. This page waits some seconds for the new control." />
        </>
      }
    >
      {rows.length === 0 && <Empty>Nothing is served.</Empty>}
      <Rows
        label="Processes"
        rows={rows}
        by={(one) => one.name}
        columns={[
          { name: "process", cell: (one) => (one.ref ? <>worker <VersionLink of={one.ref} tab="logs" /></> : one.name) },
          { name: "state", cell: (one) => <><Mark of={value(one.place.state)} /> {one.place.reason}</> },
          { name: "pid", cell: (one) => (one.place.pid === undefined || one.place.pid === null ? "—" : String(one.place.pid)), right: true },
          { name: "restarts", cell: (one) => value(one.place.restarts), right: true },
          { name: "how the last one ended", cell: (one) => one.place.last_end || "—" },
          { name: "Python", cell: (one) => one.place.python || "—" },
        ]}
      />
      {Object.entries(status.troubles).map(([ref, why]) => <p key={ref} className="bad">{ref} is not served: {why}</p>)}
    </Panel>
  );
}
