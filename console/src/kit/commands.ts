// The command of every action that the console has a button for: one action, one command, one name.
import type { ActionName } from "../api/call";
import { quoted } from "./Copy";

type Given = Record<string, unknown>;
const version = (given: Given) => `${text(given.model)}/${text(given.version)}`;
const reason = (given: Given) => (given.reason ? ` --reason ${quoted(text(given.reason))}` : "");

function text(part: unknown): string {
  return part === undefined || part === null ? "" : String(part);
}

function placed(given: Given): string {
  return [
    given.from ? ` --from ${text(given.from)}` : "",
    given.until ? ` --until ${text(given.until)}` : "",
    given.shadow ? " --shadow" : "",
    given.share ? ` --share ${text(given.share)}` : "",
  ].join("");
}

const COMMANDS: Partial<Record<ActionName, (given: Given) => string>> = {
  replay: (given) => `tenure replay ${(given.decisions as string[]).join(" ")}`,
  "decisions:list": (given) =>
    ["tenure decisions", ...["application", "entity", "since", "until", "rule", "decided_by", "model"].filter((name) => given[name]).map((name) => `--${name.replace("_", "-")} ${quoted(text(given[name]))}`)].join(" "),
  "decisions:explain": (given) => `tenure explain ${text(given.decision)}`,
  "decisions:dossier": (given) => `tenure dossier ${text(given.decision)} --output dossier.html`,
  "decisions:resolve": (given) =>
    `tenure resolve ${text(given.decision)}${given.answer ? ` --answer ${quoted(JSON.stringify(given.answer))}` : ""}${given.code ? ` --code ${quoted(text(given.code))}` : ""}${given.confirm ? " --confirm" : ""}${reason(given)}`,
  "versions:approve": (given) => `tenure approve ${version(given)}${reason(given)}`,
  "versions:deploy": (given) => `tenure deploy ${version(given)}${given.as ? ` --as ${text(given.as)}` : ""}${given.share ? ` --share ${text(given.share)}` : ""}${reason(given)}`,
  "versions:promote": (given) => `tenure promote ${version(given)}${reason(given)}`,
  "versions:decommission": (given) => `tenure decommission ${version(given)}${given.successor ? ` --successor ${text(given.successor)}` : ""}${reason(given)}`,
  "versions:archive": (given) => `tenure archive ${version(given)}${reason(given)}`,
  "versions:restore": (given) => `tenure restore ${version(given)}${reason(given)}`,
  "models:rollback": (given) => `tenure rollback ${text(given.model)}${given.to ? ` --to ${text(given.to)}` : ""}${reason(given)}`,
  "applications:rollback": (given) => `tenure rollback ${text(given.application)}${given.to ? ` --to ${text(given.to)}` : ""}${reason(given)}`,
  "applications:apply": (given) => `tenure apply application.yaml${given.draft ? " --draft" : ""}${placed(given)}${reason(given)}`,
  "rules:backtest": (given) => `tenure rules backtest application.yaml${given.decision ? ` --decision ${text(given.decision)}` : ""}`,
  "rules:evaluate": (given) =>
    `tenure rules evaluate ${given.application ? `${text(given.application)}/${text(given.revision)}` : "application.yaml"} --request ${quoted(JSON.stringify(given.request))}${given.version ? ` --model ${text(given.version)}` : ""}${given.features ? ` --features ${quoted(JSON.stringify(given.features))}` : ""}${given.output ? ` --output ${quoted(JSON.stringify(given.output))}` : ""}`,
  "applications:approve": (given) => `tenure approve ${text(given.application)}/${text(given.revision)}${reason(given)}`,
  "applications:activate": (given) => `tenure activate ${text(given.application)}/${text(given.revision)}${placed(given)}${reason(given)}`,
  "applications:end": (given) => `tenure applications end ${text(given.application)}${reason(given)}`,
  "alerts:ack": (given) => `tenure alerts ack ${text(given.alert)}${reason(given)}`,
  "tokens:create": (given) =>
    `tenure token create --role ${text(given.role)}${((given.applications as string[] | undefined) ?? []).map((name) => ` --application ${name}`).join("")}${given.expires ? ` --expires ${text(given.expires)}` : ""}${reason(given)}`,
  "tokens:revoke": (given) => `tenure token revoke ${text(given.token)}${reason(given)}`,
  "policy:set": (given) => `tenure policy set ${text(given.policy)}${reason(given)}`,
  verify: (given) => `tenure verify ${text(given.ref)}`.trim(),
  "audit:verify": () => "tenure audit verify",
};

export function command(action: ActionName, given: object): string | null {
  return COMMANDS[action]?.(given as Given) ?? null;
}
