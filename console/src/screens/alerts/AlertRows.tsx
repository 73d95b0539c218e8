import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/call";
import { Act } from "../../kit/Act";
import { VersionLink } from "../../kit/Links";
import { Mark } from "../../kit/Marks";
import { type Column, Rows } from "../../kit/Tables";
import { alertWords } from "../../kit/words";
import { moment, number, percent, several, shortMoment, who } from "../../kit/show";

type Alert = Schemas["AlertAnswer"];

/** Alerts with what each stands on and what can be done about it. */
export function AlertRows({ alerts, versions = true }: { alerts: Alert[]; versions?: boolean }) {
  const columns: Column<Alert>[] = [
    { name: "state", cell: (one) => <Mark of={one.state} /> },
    ...(versions ? [{ name: "version", cell: (one: Alert) => <VersionLink of={one.ref} tab="monitoring" /> }] : []),
    { name: "what", cell: (one) => <><strong>{alertWords(one.kind)}</strong>{one.column && <> of {one.column}</>}<div className="small dim" title={text(one.evidence.how)}>{finding(one.evidence)}, {days(one)}</div>{one.note && <div className="small">{one.note}{one.acknowledged_by && <span className="dim"> ({who(one.acknowledged_by)})</span>}</div>}{one.silenced_until && <div className="dim small">silent until {moment(one.silenced_until)}</div>}</> },
    { name: "opened", cell: (one) => <span className="nowrap" title={moment(one.opened_at)}>{shortMoment(one.opened_at)}</span> },
    { name: "", cell: (one) => <AlertActions alert={one} /> },
  ];
  return <Rows label="Alerts" rows={alerts} by={(one) => one.id} columns={columns} />;
}

function AlertActions({ alert }: { alert: Alert }) {
  const [until, setUntil] = useState("7d");
  const [model, version] = alert.ref.split("/");
  if (alert.state === "resolved") return null;
  const about = [alertWords(alert.kind), alert.column].filter(Boolean).join(" of ");
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
    psi === undefined ? "" : `moved by PSI ${number(psi)}`,
    missing ? `${percent(missing)} missing` : "",
    outside ? `${percent(outside)} outside the range it was made for` : "",
    failed === undefined ? "" : `${number(failed)} of ${number(asked ?? 0)} got no output`,
    rows === undefined ? "" : `in ${several(rows, "row")}`,
    error ? String(error) : "",
  ].filter(Boolean);
  return parts.join(", ") || text(evidence.how);
}

/** The days of data that it was seen in. */
function days({ first_day: first, last_day: last }: Alert): string {
  return first === last ? `on ${first}` : `from ${first} to ${last}`;
}

function text(given: unknown): string {
  return typeof given === "string" ? given : "";
}
