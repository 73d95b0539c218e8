import { Button } from "@mantine/core";
import { useAsk, useDo, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { ProblemPanel } from "../../kit/ProblemPanel";
import { Rows } from "../../kit/Tables";
import { moment, value } from "../../kit/show";

interface Place {
  state?: string;
  pid?: number;
  [more: string]: unknown;
}

/** What runs, what does not, and whether everything is as it was written. */
export function System() {
  const status = useAsk("status", {}, { refetchInterval: 3_000 });
  const may = useMay();
  const verify = useDo("verify");
  return (
    <Asked query={status}>
      {(found) => {
        const serving = found.serving as { workers?: Record<string, Place>; gateways?: Record<string, Place>; control?: Place } | null;
        const processes = [
          ...Object.entries(serving?.gateways ?? {}).map(([name, place]) => ({ name: `gateway ${name}`, place })),
          ...(serving?.control ? [{ name: "control", place: serving.control }] : []),
          ...Object.entries(serving?.workers ?? {}).map(([name, place]) => ({ name: `worker ${name}`, place })),
        ];
        return (
          <>
            <Heading title="System" under={<><span>Tenure {found.version}</span><span>{found.home}</span><span>policy {found.policy}</span></>} />
            <div className="columns">
              <Panel title="Processes" aside={`generation ${value(found.generation)}`}>
                {processes.length === 0 && <Empty>Nothing is served.</Empty>}
                <Rows
                  label="Processes"
                  rows={processes}
                  by={(one) => one.name}
                  columns={[
                    { name: "process", cell: (one) => one.name },
                    { name: "state", cell: (one) => <Mark of={value(one.place.state)} /> },
                    { name: "pid", cell: (one) => value(one.place.pid), right: true },
                    { name: "starts", cell: (one) => value(one.place.starts ?? one.place.restarts), right: true },
                  ]}
                />
                {Object.entries(found.troubles).map(([ref, why]) => <p key={ref} className="bad">{ref} is not served: {why}</p>)}
              </Panel>
              <div>
                <Panel title="In force">
                  <Facts of={[...Object.entries(found.applications).map(([name, number]) => [name, `revision ${number}`] as const), ...Object.entries(found.models).map(([name, number]) => [name, number === null ? "no champion" : `champion ${number}`] as const)]} />
                </Panel>
                <Panel title="Restorable">
                  {found.restorable ? <Facts of={[["proven", `${found.restorable.proven} of ${found.restorable.versions} versions`], ["oldest proof", moment(found.restorable.oldest_proof)]]} /> : <Empty>Not known to your role.</Empty>}
                </Panel>
                {may("verify") && (
                  <Panel title="Is everything as it was written?">
                    <div className="stack">
                      <div><Button size="xs" loading={verify.isPending} onClick={() => verify.mutate({})}>Verify</Button></div>
                      {verify.data && <div className="row"><Mark of={verify.data.intact ? "intact" : "damaged"} /> {Object.entries(verify.data.checked).map(([what, count]) => `${value(count)} ${what}`).join(", ")}</div>}
                      <ul className="plain">{verify.data?.problems.map((problem) => <li key={problem} className="bad">{problem}</li>)}</ul>
                      {verify.error && <ProblemPanel problem={verify.error} />}
                    </div>
                  </Panel>
                )}
              </div>
            </div>
          </>
        );
      }}
    </Asked>
  );
}
