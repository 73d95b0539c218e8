import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { type Column, Rows } from "../../kit/Tables";
import { moment, number, percent, several, shortMoment, words } from "../../kit/show";

type Alert = Schemas["AlertAnswer"];

/** Alerts with what each stands on and what can be done about it. */
export function AlertRows({ alerts, versions = true }: { alerts: Alert[]; versions?: boolean }) {
  const columns: Column<Alert>[] = [
    { name: "state", cell: (one) => <Mark of={one.state} /> },
    ...(versions ? [{ name: "version", cell: (one: Alert) => <VersionLink of={one.ref} tab="monitoring" /> }] : []),
    { name: "kind", cell: (one) => words(one.kind) },
    { name: "column", cell: (one) => one.column || "—" },
    { name: "finding", cell: (one) => <span className="finding" title={text(one.evidence.how)}>{finding(one.evidence)}</span> },
    { name: "days", cell: (one) => <span className="nowrap">{[...new Set([one.first_day, one.last_day])].join(" – ")}</span> },
    { name: "opened", cell: (one) => <span className="nowrap" title={moment(one.opened_at)}>{shortMoment(one.opened_at)}</span> },
    { name: "what is known", cell: (one) => <>{one.note || "—"}{one.acknowledged_by && <span className="dim"> ({one.acknowledged_by})</span>}{one.silenced_until && <div className="dim small">silent until {moment(one.silenced_until)}</div>}</> },
    { name: "", cell: (one) => <AlertActions alert={one} /> },
  ];
  return <Rows label="Alerts" rows={alerts} by={(one) => one.id} columns={columns} />;
}

function AlertActions({ alert }: { alert: Alert }) {
  const [until, setUntil] = useState("7d");
  const [model, version] = alert.ref.split("/");
  if (alert.state === "resolved") return null;
  const about = [words(alert.kind), alert.column].filter(Boolean).join(" of ");
  return (
    <span className="row tight">
      {alert.state === "open" && <Act action="alerts:ack" label="Acknowledge" given={{ alert: alert.id }} affects="It is marked as seen, with what you know about it; it stays until the data say otherwise." />}
      <Act action="alerts:silence" label="Silence" given={{ until, model: model ?? "", version: Number(version), kind: alert.kind, column: alert.column }} affects={`No webhook is told of ${about} on ${alert.ref} for so long. It is listed all the same, and told when the silence ends and it is still open.`}>
        <TextInput label="For" description="An age as 12h or 7d, a moment, or now, which ends a silence" required value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      </Act>
    </span>
  );
}

/** The numbers that an alert stands on, in a line; how they were judged is said where it is pointed at. */
function finding(evidence: Record<string, unknown>): string {
  const { psi, missing, outside, rows, failed, asked, error } = evidence as Record<string, number | undefined> & { error?: string };
  const parts = [
    psi === undefined ? "" : `PSI ${number(psi)}`,
    missing ? `${percent(missing)} missing` : "",
    outside ? `${percent(outside)} outside` : "",
    failed === undefined ? "" : `${number(failed)} of ${number(asked ?? 0)} got no output`,
    rows === undefined ? "" : `in ${several(rows, "row")}`,
    error ? String(error) : "",
  ].filter(Boolean);
  return parts.join(", ") || text(evidence.how);
}

function text(given: unknown): string {
  return typeof given === "string" ? given : "";
}
