import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { Panel } from "../../kit/Panel";
import { alertWords } from "../../kit/words";
import { ago, moment, several } from "../../kit/show";

const MOST_WAITING = 1000;

/** What somebody should look at now, each with the one click that leads on; or that there is nothing. */
export function Trouble({ figures }: { figures: Schemas["ApplicationFigures"][] }) {
  const may = useMay();
  const status = useAsk("status", {}, { refetchInterval: 5_000 }).data;
  const alerts = useAsk("alerts:list", { status: "open" }, { refetchInterval: 15_000, enabled: may("alerts:list") }).data ?? [];
  const waiting = useAsk("decisions:reviews", { limit: MOST_WAITING }, { refetchInterval: 15_000, enabled: may("decisions:reviews") }).data ?? [];
  const webhooks = useAsk("webhooks:list", {}, { refetchInterval: 30_000, enabled: may("webhooks:list") }).data ?? [];
  const lines: [string, ReactNode][] = [
    ...Object.entries(status?.troubles ?? {}).map(([ref, why]): [string, ReactNode] => [`served ${ref}`, <><Mark of="not served" /> <VersionLink of={ref} tab="logs" />: {why}</>]),
    ...figures.filter((one) => one.whole.decided_by.fallback).map((one): [string, ReactNode] => [
      `fallback ${one.application}`,
      <><Mark of="fallback" /> <Link to="/decisions" search={{ application: one.application, decided_by: "fallback" }}>{several(one.whole.decided_by.fallback ?? 0, "decision")} of {one.application}</Link> came from the fallback: the model gave no output</>,
    ]),
    ...byVersion(alerts).map(([ref, some]): [string, ReactNode] => [
      `alerts ${ref}`,
      <><Mark of="alert" /> <VersionLink of={ref} tab="monitoring">{several(some.length, "open alert")} on {ref}</VersionLink> <span className="dim">{kinds(some)}; the oldest since {moment(some.at(-1)?.opened_at)}</span></>,
    ]),
    ...(waiting.length ? [["waiting", <><Mark of="pending_review" /> <Link to="/reviews">{waiting.length === MOST_WAITING ? "1,000 or more decisions" : several(waiting.length, "decision")}</Link> {waiting.length === 1 ? "waits" : "wait"} for a person <span className="dim">the longest since {ago(waiting[0]?.since ?? "")}</span></>] as [string, ReactNode]] : []),
    ...webhooks.filter((one) => one.dead.length).map((one): [string, ReactNode] => [`webhook ${one.webhook}`, <><Mark of="not told" /> <Link to="/system">{several(one.dead.length, "alert")}</Link> could not be told to {one.webhook}</>]),
  ];
  if (!status) return null;
  return (
    <Panel title="To be looked at">
      {lines.length === 0 ? <p className="empty good">Nothing: every version is served, no alert is open, no decision waits.</p> : <ul className="plain">{lines.map(([key, line]) => <li key={key}>{line}</li>)}</ul>}
    </Panel>
  );
}

function byVersion(alerts: Schemas["AlertAnswer"][]): [string, Schemas["AlertAnswer"][]][] {
  const found = new Map<string, Schemas["AlertAnswer"][]>();
  for (const alert of alerts) found.set(alert.ref, [...(found.get(alert.ref) ?? []), alert]);
  return [...found];
}

function kinds(alerts: Schemas["AlertAnswer"][]): string {
  const found = new Map<string, string[]>();
  for (const alert of alerts) found.set(alert.kind, [...(found.get(alert.kind) ?? []), alert.column]);
  return [...found].map(([kind, columns]) => `${alertWords(kind)}${columns.filter(Boolean).length ? ` of ${listed(columns.filter(Boolean))}` : ""}`).join("; ");
}

function listed(names: string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}
