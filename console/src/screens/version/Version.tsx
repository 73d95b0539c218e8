import { Tabs } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Heading, Panel } from "../../kit/Panel";
import { Actions } from "./Actions";
import { Life } from "./Life";
import { Monitoring } from "./Monitoring";
import { Package } from "./Package";
import { Run } from "./Run";
import { Stages } from "./Stages";

/** One version: where it stands, who did what when and why, how it does, what is in it. */
export function Version({ model, version, tab = "life" }: { model: string; version: string; tab?: string }) {
  const shown = useAsk("versions:show", { model, version }, { refetchInterval: 10_000 });
  const navigate = useNavigate();
  const may = useMay();
  return (
    <Asked query={shown}>
      {(found) => (
        <>
          <Heading
            title={found.ref}
            under={<><Mark of={found.stage} />{found.role !== found.stage && <Mark of={found.role} />}{found.aliases.filter((alias) => alias !== found.role).map((alias) => <Mark key={alias} of={alias} />)}<span>Python {found.python}</span><Link to="/decisions" search={{ model, version: String(found.version) }}>its decisions</Link></>}
            actions={<Actions version={found} />}
          />
          <Panel><Stages now={found.stage} /></Panel>
          <Tabs value={tab} onChange={(next) => next && void navigate({ to: "/models/$model/$version", params: { model, version }, search: { tab: next } })} keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="life">Life</Tabs.Tab>
              {may("monitor:report") && <Tabs.Tab value="monitoring">Monitoring</Tabs.Tab>}
              <Tabs.Tab value="package">Package</Tabs.Tab>
              {may("versions:run") && <Tabs.Tab value="run">Run</Tabs.Tab>}
              {may("versions:logs") && <Tabs.Tab value="logs">Worker’s log</Tabs.Tab>}
            </Tabs.List>
            <Tabs.Panel value="life"><Life version={found} /></Tabs.Panel>
            <Tabs.Panel value="monitoring"><Monitoring model={model} version={String(found.version)} /></Tabs.Panel>
            <Tabs.Panel value="package"><Package version={found} /></Tabs.Panel>
            <Tabs.Panel value="run"><Run version={found} /></Tabs.Panel>
            <Tabs.Panel value="logs"><Logs model={model} version={String(found.version)} /></Tabs.Panel>
          </Tabs>
        </>
      )}
    </Asked>
  );
}

function Logs({ model, version }: { model: string; version: string }) {
  const logs = useAsk("versions:logs", { model, version, lines: 200 }, { refetchInterval: 5_000 });
  return <Panel title="The newest lines of its worker"><Asked query={logs}>{(found) => (found.lines.length ? <pre tabIndex={0}><code>{found.lines.join("\n")}</code></pre> : <Empty>It has said nothing.</Empty>)}</Asked></Panel>;
}
