import { Tabs } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Asked } from "../../kit/Asked";
import { Mark } from "../../kit/Marks";
import { Empty, Facts, Heading, Panel } from "../../kit/Panel";
import { Rows } from "../../kit/Tables";
import { fields, moment, percent, shortDigest, value, words } from "../../kit/show";
import { Actions, useDependants } from "./Actions";
import { Monitoring } from "./Monitoring";
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

function Life({ version }: { version: Schemas["VersionDetail"] }) {
  const history = useAsk("versions:history", { model: version.model, version: String(version.version) });
  return (
    <div className="columns">
      <Panel title="Who did what, and why">
        <Asked query={history}>
          {(found) => (
            <ol className="timeline">
              {found.events.map((event) => (
                <li key={event.sequence} data-on="true">
                  <div className="step"><h3>{words(event.action.split(":").at(-1) ?? event.action)}</h3><span className="dim small">{moment(event.at)} by {event.actor} ({event.role})</span></div>
                  {event.reason && <div>{event.reason}</div>}
                </li>
              ))}
            </ol>
          )}
        </Asked>
      </Panel>
      <div>
        <Standing version={version} />
        <Panel title="What it promises"><Contract manifest={version.manifest} /></Panel>
        <Panel title="Metrics stated by its author">{Object.keys(version.metrics).length ? <Facts of={Object.entries(version.metrics).map(([name, one]) => [name, value(one)] as const)} /> : <Empty>None.</Empty>}</Panel>
        <Panel title="Attested since">
          {version.attestations.length === 0 && <Empty>Nothing.</Empty>}
          <ul className="plain">
            {version.attestations.map((one, place) => <li key={`${value(one.kind)} ${place}`}><strong>{words(value(one.kind))}</strong> <span className="dim">{one.at ? moment(when(one.at)) : ""}{one.actor ? ` by ${value(one.actor)}` : ""}</span><div className="small">{facts(one)}</div></li>)}
          </ul>
        </Panel>
      </div>
    </div>
  );
}

/** What it does now, for whom, and how well it is kept. */
function Standing({ version }: { version: Schemas["VersionDetail"] }) {
  const users = useDependants(version);
  const kept = useAsk("retention:list", { ref: version.ref }, { enabled: useMay()("retention:list"), retry: false }).data?.versions.find((one) => one.ref === version.ref);
  const proofs = version.attestations.filter((one) => ["seal", "archive", "restore", "drill"].includes(String(one.kind)));
  const last = proofs.at(-1);
  const part = version.role ? `${version.role}${version.share === null ? "" : ` for ${percent(version.share)} of the entities`}` : "nothing: it is not deployed";
  return (
    <Panel title="Where it stands">
      <Facts
        of={[
          ["does", part],
          ["asked by", version.aliases.length && users.length ? <>{users.map((name) => <Link key={name} to="/applications/$application" params={{ application: name }}>{name} </Link>)}</> : "no application"],
          ["seal", <span key="s">{version.seal_level} <span className="dim small">{SEALS[version.seal_level] ?? ""}</span></span>],
          ["last proven restore", last ? `${moment(when(last.at))} (${words(value(last.kind))})` : "never"],
          ...(kept ? [["must be kept", kept.until ? `until ${moment(kept.until)} (${kept.retention})` : kept.retention || "while it is deployed"] as const, ["holds", kept.holds.join(", ") || "none"] as const] : []),
        ]}
      />
    </Panel>
  );
}

const SEALS: Record<string, string> = {
  S1: "it may fetch over the network what its package does not hold",
  S2: "everything it needs is in its package",
  S3: "everything it needs is in its package, and more than this machine has proven it",
};

/** A moment of an attestation: microseconds in older ones, RFC 3339 in newer. */
function when(at: unknown): string {
  return typeof at === "number" ? new Date(at / 1000).toISOString() : value(at);
}

function facts(one: Record<string, unknown>): string {
  const body = typeof one.facts === "object" && one.facts !== null ? (one.facts as Record<string, unknown>) : one;
  const told = Object.entries(body).filter(([name, each]) => typeof each !== "object" && !["kind", "at", "actor"].includes(name));
  return fields(Object.fromEntries(told));
}

interface FieldPlain {
  name: string;
  type: string;
  required?: boolean;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  values?: unknown[];
}

function Contract({ manifest }: { manifest: Record<string, unknown> }) {
  const sides: [string, FieldPlain[]][] = [["takes", (manifest.inputs as FieldPlain[] | undefined) ?? []], ["gives", (manifest.outputs as FieldPlain[] | undefined) ?? []]];
  return (
    <>
      {sides.map(([side, found]) => (
        <Rows
          key={side}
          label={side}
          rows={found}
          by={(field) => field.name}
          columns={[
            { name: side, cell: (field) => field.name },
            { name: "type", cell: (field) => field.type },
            { name: "range", cell: (field) => range(field) },
          ]}
        />
      ))}
    </>
  );
}

function range(field: FieldPlain): string {
  if (field.values?.length) return field.values.map(value).join(", ");
  if (field.minimum === undefined && field.maximum === undefined) return "—";
  return `${value(field.minimum)} – ${value(field.maximum)}`;
}

function Package({ version }: { version: Schemas["VersionDetail"] }) {
  const { manifest } = version;
  const files = (manifest.files as Record<string, { digest?: string; size?: number }> | undefined) ?? {};
  const plain: (readonly [string, ReactNode])[] = Object.entries(manifest).filter(([, part]) => part !== null && typeof part !== "object").map(([name, part]) => [words(name), value(part)] as const);
  return (
    <div className="halves">
      <Panel title="Manifest">
        <Facts of={[["digest", <code key="d">{version.digest}</code>], ...plain]} />
      </Panel>
      <Panel title="Files" aside={`${Object.keys(files).length} files`}>
        <Rows
          label="Files"
          rows={Object.entries(files)}
          by={([name]) => name}
          columns={[
            { name: "file", cell: ([name]) => name },
            { name: "bytes", cell: ([, file]) => value(file.size), right: true },
            { name: "digest", cell: ([, file]) => <code title={file.digest}>{shortDigest(typeof file === "string" ? file : (file.digest ?? ""))}</code> },
          ]}
        />
      </Panel>
    </div>
  );
}

function Logs({ model, version }: { model: string; version: string }) {
  const logs = useAsk("versions:logs", { model, version, lines: 200 }, { refetchInterval: 5_000 });
  return <Panel title="The newest lines of its worker"><Asked query={logs}>{(found) => (found.lines.length ? <pre tabIndex={0}><code>{found.lines.join("\n")}</code></pre> : <Empty>It has said nothing.</Empty>)}</Asked></Panel>;
}
