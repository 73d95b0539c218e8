// The definition as it is written: parsed for the editors, and changed in its own text so that comments stay.
import { type Document, parseDocument } from "yaml";

export interface Rule {
  id: string;
  before: boolean;
  when: string;
  table: boolean;
  /** what it does, in words */
  does: string;
  /** an inline table's cells, columns first; null for a rule without one */
  cells: { columns: string[]; rows: string[][] } | null;
  /** the CSV file that it names, where it does */
  file: string;
}

export interface Definition {
  rules: Rule[];
  tests: number;
  broken: string;
}

type Plain = Record<string, unknown>;

export function read(text: string): Definition {
  const document = parseDocument(text);
  const broken = document.errors[0]?.message ?? "";
  const plain = (broken ? {} : (document.toJS() as Plain | null)) ?? {};
  const rules = Array.isArray(plain.rules) ? (plain.rules as Plain[]) : [];
  const reasons = (plain.reasons ?? {}) as Plain;
  return { rules: rules.map((one) => rule(one, reasons)), tests: Array.isArray(plain.tests) ? plain.tests.length : 0, broken };
}

function rule(plain: Plain, reasons: Plain): Rule {
  const table = plain.table as string | { columns?: unknown[]; rows?: unknown[][]; file?: string } | undefined;
  const inline = typeof table === "object" && Array.isArray(table.columns) ? table : null;
  return {
    id: String(plain.id ?? ""),
    before: plain.before === "model",
    when: String(plain.when ?? ""),
    table: table !== undefined,
    does: does(plain, reasons),
    cells: inline ? { columns: (inline.columns ?? []).map(String), rows: (inline.rows ?? []).map((row) => row.map((cell) => (cell === null ? "" : String(cell)))) } : null,
    file: typeof table === "string" ? table : (table?.file ?? ""),
  };
}

function does(plain: Plain, reasons: Plain): string {
  const parts = [];
  if (plain.answer) parts.push(`answers ${said(plain.answer)}`);
  if (plain.model) parts.push(`asks ${String(plain.model)}`);
  if (plain.review) parts.push(`sends to ${String(plain.review)}`);
  if (plain.set) parts.push(`sets ${said(plain.set)}`);
  if (plain.bound) parts.push(`bounds ${said(plain.bound)}`);
  if (plain.filter) parts.push(`filters ${ofList(plain.filter as Plain)}`);
  if (plain.rerank) parts.push(`reorders ${ofList(plain.rerank as Plain)}`);
  if (plain.reason) parts.push(`because ${[plain.reason, reasons[String(plain.reason)]].filter(Boolean).map(String).join(": ")}`);
  return parts.join(", ");
}

/** What is done to a list, which is named first. */
function ofList({ of, ...how }: Plain): string {
  return `${String(of)}, ${said(how)}`;
}

/** A part of a rule without needless signs: an expression stands as it is written. */
function said(part: unknown): string {
  if (Array.isArray(part)) return `[${part.map(said).join(", ")}]`;
  if (typeof part !== "object" || part === null) return String(part);
  const entries = Object.entries(part);
  if (entries.length === 1 && entries[0]?.[0] === "expr") return String(entries[0][1]);
  return entries.map(([name, each]) => `${name}: ${said(each)}`).join(" · ");
}

function changed(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text);
  change(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

export function withCondition(text: string, place: number, when: string): string {
  // Only the condition's own characters are replaced, so that the rest of the file stays as it was written.
  const document = parseDocument(text);
  const node = document.getIn(["rules", place, "when"], true) as { range?: [number, number, number] } | undefined;
  if (!node?.range) return changed(text, (whole) => whole.setIn(["rules", place, "when"], when));
  return text.slice(0, node.range[0]) + JSON.stringify(when) + text.slice(node.range[1]);
}

export function withCell(text: string, place: number, row: number, column: number, cell: string): string {
  const document = parseDocument(text);
  const node = document.getIn(["rules", place, "table", "rows", row, column], true) as { range?: [number, number, number] } | undefined;
  if (!node?.range) return changed(text, (whole) => whole.setIn(["rules", place, "table", "rows", row, column], scalar(cell)));
  return text.slice(0, node.range[0]) + JSON.stringify(scalar(cell)) + text.slice(node.range[1]);
}

export function withRow(text: string, place: number, cells: string[]): string {
  return changed(text, (document) => document.addIn(["rules", place, "table", "rows"], document.createNode(cells.map(scalar), { flow: true })));
}

export function withoutRow(text: string, place: number, row: number): string {
  return changed(text, (document) => document.deleteIn(["rules", place, "table", "rows", row]));
}

export function withTest(text: string, test: Plain): string {
  return changed(text, (document) => {
    const made = document.createNode(test, { flow: true });
    if (document.has("tests")) document.addIn(["tests"], made);
    else document.set("tests", document.createNode([test]));
  });
}

function scalar(cell: string): string | number {
  return cell.trim() !== "" && Number.isFinite(Number(cell)) ? Number(cell) : cell;
}

/** CSV as the engine reads it, for cells without line breaks; the separator is the one the file uses. */
export function csv(text: string): { cells: string[][]; separator: string } {
  const first = text.split("\n", 1)[0] ?? "";
  const separator = [";", "\t", ","].find((one) => first.includes(one)) ?? ",";
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return { separator, cells: lines.map((line) => split(line, separator)) };
}

function split(line: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let place = 0; place < line.length; place += 1) {
    const sign = line[place] ?? "";
    if (quoted && sign === '"' && line[place + 1] === '"') {
      cell += '"';
      place += 1;
    } else if (sign === '"') quoted = !quoted;
    else if (sign === separator && !quoted) {
      cells.push(cell);
      cell = "";
    } else cell += sign;
  }
  return [...cells, cell];
}

export function csvText(cells: string[][], separator: string): string {
  const one = (cell: string) => (cell.includes(separator) || cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : cell);
  return `${cells.map((row) => row.map(one).join(separator)).join("\n")}\n`;
}
