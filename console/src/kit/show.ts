// How values are written: moments, ages, numbers, ids.
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const SHORT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

export function moment(iso: string | null | undefined): string {
  return iso ? DAY.format(new Date(iso)) : "—";
}

export function shortMoment(iso: string | null | undefined): string {
  return iso ? SHORT.format(new Date(iso)) : "—";
}

export function ago(iso: string, now: number = Date.now()): string {
  return `${age((now - Date.parse(iso)) / 1000)} ago`;
}

const YEAR = 365.25 * 86_400;

export function age(seconds: number): string {
  if (seconds >= 2 * YEAR) return `${Math.floor(seconds / YEAR)} y`;
  const steps: [number, string][] = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
  for (const [size, unit] of steps) {
    if (seconds >= size * (unit === "s" ? 0 : 1)) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return "0 s";
}

export function duration(microseconds: number | null | undefined): string {
  if (microseconds === null || microseconds === undefined) return "—";
  if (microseconds === 0) return "0";
  if (microseconds < 1_000) return `${microseconds} µs`;
  if (microseconds < 1_000_000) return `${Number((microseconds / 1_000).toPrecision(3))} ms`;
  return `${Number((microseconds / 1_000_000).toPrecision(3))} s`;
}

export function number(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e9) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1_000_000) return `${Number((count / 1_000).toPrecision(3))} kB`;
  return count < 1_000_000_000 ? `${Number((count / 1_000_000).toPrecision(3))} MB` : `${Number((count / 1_000_000_000).toPrecision(3))} GB`;
}

export function several(count: number, name: string): string {
  return `${number(count)} ${name}${count === 1 ? "" : "s"}`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** A value as one line, as it stands in JSON but without needless quotes. */
export function value(given: unknown): string {
  if (given === null || given === undefined) return "—";
  if (typeof given === "number") return number(given);
  if (typeof given === "string") return given;
  if (typeof given === "boolean") return given ? "true" : "false";
  if (Array.isArray(given)) return list(given);
  return JSON.stringify(given);
}

/** Whole numbers in a list are names of things more often than amounts: they are written without separators. */
export function identifier(given: unknown): string {
  return typeof given === "number" && Number.isInteger(given) ? String(given) : value(given);
}

const LONG = 12;
const SHOWN = 6;

/** A list in brackets; of a long one the beginning, and how long it is. */
function list(given: unknown[]): string {
  const shown = given.length > LONG ? given.slice(0, SHOWN) : given;
  return `[${shown.map(identifier).join(", ")}${given.length > LONG ? ` … ${given.length} in all` : ""}]`;
}

export function fields(given: Record<string, unknown> | null | undefined): string {
  return given ? Object.entries(given).map(([name, each]) => `${name}: ${value(each)}`).join(" · ") : "—";
}

export function shortDigest(digest: string): string {
  return digest.replace("sha256:", "").slice(0, 12);
}

/** Who did something: a person by name, a token, which has none, by its id. */
export function who(actor: string): string {
  return /^[0-9a-f]{12}$/.test(actor) ? `token ${actor}` : actor;
}

export function words(name: string): string {
  return name.replaceAll("_", " ").replaceAll("-", " ");
}
