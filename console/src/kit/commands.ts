// The command of every action that the console has a button for: one action, one command, one name (tests/console/test_commands.py).
import type { ActionName } from "../api/call";
import { quoted } from "./quoting";

type Given = Record<string, unknown>;
const version = (given: Given) => `${text(given.model)}/${text(given.version)}`;
const reason = (given: Given) => (given.reason ? ` --reason ${quoted(text(given.reason))}` : "");

function text(part: unknown): string {
  return part === undefined || part === null ? "" : String(part);
}

function placed(given: Given): string {
  return `${options(given, "from", "until")}${given.shadow ? " --shadow" : ""}${options(given, "share")}`;
}

/** A revision that is kept, or the file that the person has. */
function source(given: Given): string {
  return given.application ? `${text(given.application)}/${text(given.revision)}` : "application.yaml";
}

function parts(given: Given): string[] {
  return (given.parts as string[] | undefined) ?? ["gateways"];
}

function applications(given: Given): string {
  return ((given.applications as string[] | undefined) ?? []).map((name) => ` --application ${name}`).join("");
}

/** Those of these fields that have a value, as options of a command. */
function options(given: Given, ...names: string[]): string {
  return names.filter((name) => given[name] !== undefined && given[name] !== null && given[name] !== "").map((name) => ` --${name.replaceAll("_", "-")} ${quoted(text(given[name]))}`).join("");
}

const COMMANDS = {
  replay: (given) => `tenure replay ${(given.decisions as string[]).join(" ")}`,
  "decisions:list": (given) => `tenure decisions${options(given, "application", "entity", "pseudonym", "since", "until", "rule", "decided_by", "model")}`,
  "decisions:explain": (given) => `tenure explain ${text(given.decision)}`,
  "decisions:dossier": (given) => `tenure dossier ${text(given.decision)} --output dossier.html`,
  "decisions:resolve": (given) =>
    `tenure resolve ${text(given.decision)}${given.answer ? ` --answer ${quoted(JSON.stringify(given.answer))}` : ""}${options(given, "code")}${given.confirm ? " --confirm" : ""}${reason(given)}`,
  "versions:approve": (given) => `tenure approve ${version(given)}${reason(given)}`,
  "versions:deploy": (given) => `tenure deploy ${version(given)}${options(given, "as", "share")}${reason(given)}`,
  "versions:promote": (given) => `tenure promote ${version(given)}${reason(given)}`,
  "versions:decommission": (given) => `tenure decommission ${version(given)}${options(given, "successor")}${reason(given)}`,
  "versions:archive": (given) => `tenure archive ${version(given)}${reason(given)}`,
  "versions:restore": (given) => `tenure restore ${version(given)}${reason(given)}`,
  "models:rollback": (given) => `tenure rollback ${text(given.model)}${options(given, "to")}${reason(given)}`,
  "applications:rollback": (given) => `tenure rollback ${text(given.application)}${options(given, "to")}${reason(given)}`,
  "applications:apply": (given) => `tenure apply application.yaml${given.draft ? " --draft" : ""}${placed(given)}${reason(given)}`,
  "rules:backtest": (given) => `tenure rules backtest ${source(given)}${options(given, "decision")}`,
  "rules:evaluate": (given) =>
    `tenure rules evaluate ${source(given)} --request ${quoted(JSON.stringify(given.request))}${given.version ? ` --model ${text(given.version)}` : ""}${given.features ? ` --features ${quoted(JSON.stringify(given.features))}` : ""}${given.output ? ` --output ${quoted(JSON.stringify(given.output))}` : ""}`,
  "applications:approve": (given) => `tenure approve ${text(given.application)}/${text(given.revision)}${reason(given)}`,
  "applications:activate": (given) => `tenure activate ${text(given.application)}/${text(given.revision)}${placed(given)}${reason(given)}`,
  "applications:end": (given) => `tenure applications end ${text(given.application)}${reason(given)}`,
  "rules:test": () => "tenure rules test application.yaml",
  "versions:run": (given) => `printf %s ${quoted(JSON.stringify(given.rows))} > rows.json && tenure run ${version(given)} --input rows.json`,
  "versions:destroy": (given) => `tenure destroy ${version(given)}${reason(given)}`,
  "alerts:ack": (given) => `tenure alerts ack ${text(given.alert)}${reason(given)}`,
  "alerts:silence": (given) => `tenure alerts silence --for ${text(given.until)}${options(given, "model", "version", "kind", "column")}${reason(given)}`,
  "webhooks:set": (given) => `tenure alerts notify ${text(given.webhook)}${options(given, "url", "secret_env")}${given.allow_http ? " --allow-http" : ""}${reason(given)}`,
  "webhooks:remove": (given) => `tenure alerts unnotify ${text(given.webhook)}${reason(given)}`,
  "webhooks:retry": (given) => `tenure alerts retry ${text(given.delivery)}${reason(given)}`,
  "holds:add": (given) => `tenure hold add ${text(given.target)}${options(given, "entity")}${reason(given)}`,
  "holds:release": (given) => `tenure hold release ${text(given.target)}${options(given, "entity")}${reason(given)}`,
  "projects:set": (given) => `tenure projects set ${text(given.project)}${options(given, "goal", "measure", "better", "owner")}${reason(given)}`,
  "tokens:create": (given) => `tenure token create${options(given, "name", "role")}${applications(given)}${options(given, "expires", "rate")}${reason(given)}`,
  "tokens:revoke": (given) => `tenure token revoke ${text(given.token)}${reason(given)}`,
  "users:create": (given) => `tenure users create ${text(given.user)}${options(given, "role")}${applications(given)}${reason(given)}`,
  "users:change": (given) => `tenure users change ${text(given.user)}${options(given, "role")}${applications(given) || " --all-applications"}${reason(given)}`,
  "users:disable": (given) => `tenure users disable ${text(given.user)}${reason(given)}`,
  "users:enable": (given) => `tenure users enable ${text(given.user)}${reason(given)}`,
  "users:link": (given) => `tenure users link ${text(given.user)}`.trim(),
  "sessions:end": (given) => `tenure users end-session ${text(given.session)}${reason(given)}`,
  "policy:set": (given) => `tenure policy set ${text(given.policy)}${reason(given)}`,
  backup: (given) => `tenure backup ${quoted(text(given.folder))}${reason(given)}`,
  restart: (given) => `tenure restart${parts(given).includes("supervisor") ? " --supervisor" : ""}${parts(given).includes("control") ? " --control" : ""}${parts(given).includes("gateways") ? "" : " --no-gateways"}${reason(given)}`,
  repair: (given) => `tenure verify --repair${reason(given)}`,
  drill: () => "tenure drill",
  gc: (given) => `tenure gc${given.dry_run ? " --dry-run" : ""}${reason(given)}`,
  verify: (given) => `tenure verify ${text(given.ref)}`.trim(),
  "audit:verify": () => "tenure audit verify",
} satisfies Partial<Record<ActionName, (given: Given) => string>>;

/** The actions that have a button: each can be copied as its command. */
export type Commanded = keyof typeof COMMANDS;

export function command(action: Commanded, given: object): string {
  return COMMANDS[action](given as Given);
}
