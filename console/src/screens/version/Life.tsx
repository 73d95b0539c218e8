import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { Act } from "../../kit/Act";
import { Asked } from "../../kit/Asked";
import { ApplicationLink } from "../../kit/Links";
import { Empty, Facts, Panel } from "../../kit/Panel";
import { moment, percent, shortDigest, value, who, words } from "../../kit/show";
import { useDependants } from "./Actions";
import { Contract } from "./Contract";

/** Who did what with it, where it stands, and what it promises. */
export function Life({ version }: { version: Schemas["VersionDetail"] }) {
  const history = useAsk("versions:history", { model: version.model, version: String(version.version) });
  return (
    <div className="columns">
      <div>
        <Panel title="Who did what, and why">
          <Asked query={history}>
            {(found) => (
              <ol className="timeline">
                {found.events.map((event) => (
                  <li key={event.sequence} data-on="true">
                    <div className="step"><h3>{words(event.action.split(":").at(-1) ?? event.action)}</h3><span className="dim small">{moment(event.at)} by {who(event.actor)} ({event.role})</span></div>
                    {event.reason && <div>{event.reason}</div>}
                  </li>
                ))}
              </ol>
            )}
          </Asked>
        </Panel>
        <Panel title="What it promises"><Contract manifest={version.manifest} /></Panel>
      </div>
      <div>
        <Standing version={version} />
        <Panel title="Metrics stated by its author">{Object.keys(version.metrics).length ? <Facts of={Object.entries(version.metrics).map(([name, one]) => [name, value(one)] as const)} /> : <Empty>None.</Empty>}</Panel>
        <Panel title="Attested since">
          {version.attestations.length === 0 && <Empty>Nothing.</Empty>}
          <ul className="plain">
            {version.attestations.map((one, place) => <li key={`${value(one.kind)} ${place}`}><strong>{words(value(one.kind))}</strong> <span className="dim">{one.at ? moment(when(one.at)) : ""}{one.actor ? ` by ${who(value(one.actor))}` : ""}</span><div className="small">{facts(one)}</div></li>)}
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
    <Panel title="Where it stands" aside={<Act action="holds:add" label="Place a hold" given={{ target: version.ref }} affects={`${version.ref} can be neither destroyed nor run out of its time, by anybody, until the hold is released under System.`} />}>
      <Facts
        of={[
          ["does", part],
          ["asked by", version.aliases.length && users.length ? <span className="row">{users.map((name) => <ApplicationLink key={name} of={name} />)}</span> : "no application"],
          ["seal", <span key="s">{version.seal_level} <span className="dim small">{sealed(version.seal)}</span></span>],
          ["last proven restore", last ? `${moment(when(last.at))} (${words(value(last.kind))})` : "never"],
          ...(kept ? [["must be kept", kept.until ? `until ${moment(kept.until)} (${kept.retention})` : kept.retention || "while it is deployed"] as const, ["holds", kept.holds.join(", ") || "none"] as const] : []),
        ]}
      />
    </Panel>
  );
}

/** What its newest restore did without, and what kept it from doing without more. */
function sealed({ level, hidden, why }: { level?: string; hidden?: string[]; why?: string }): string {
  const without = [level === "S1" ? "" : "a network", hidden?.length ? "the machine’s interpreters" : "", level === "S3" ? "its shared libraries but glibc" : ""].filter(Boolean);
  return [without.length ? `restored without ${without.join(", ")}` : "no restore without a network yet", why].filter(Boolean).join("; ");
}

/** A moment of an attestation: microseconds in older ones, RFC 3339 in newer. */
function when(at: unknown): string {
  return typeof at === "number" ? new Date(at / 1000).toISOString() : value(at);
}

/** What stands elsewhere on the page, or is nobody's but a machine's. */
const LEFT_OUT = ["kind", "at", "actor", "actor_id", "digest", "draft", "reasons_us", "implied"];

function facts(one: Record<string, unknown>): string {
  const body = typeof one.facts === "object" && one.facts !== null ? (one.facts as Record<string, unknown>) : one;
  const told = Object.entries(body).filter(([name, each]) => typeof each !== "object" && each !== "" && !LEFT_OUT.includes(name));
  return [...told.map(([name, each]) => fact(name, each)), body.implied === true ? "approved by being deployed" : ""].filter(Boolean).join(" · ");
}

function fact(name: string, given: unknown): string {
  if (name === "own_work") return given ? "by who registered it" : "by another than who registered it";
  if (name === "golden") return given === "BIT" ? "golden rows came out the same, bit for bit" : `golden rows: ${value(given)}`;
  if (typeof given === "string" && given.startsWith("sha256:")) return `${words(name)} ${shortDigest(given)}`;
  return `${words(name)}: ${value(given)}`;
}
