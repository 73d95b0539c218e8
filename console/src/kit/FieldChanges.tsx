import type { Schemas } from "../api/call";
import { value } from "./show";

/** The names of the fields that an event of the audit log changed. */
export function changedFields(event: Schemas["EventAnswer"]): string[] {
  const names = [...new Set([...Object.keys(event.before), ...Object.keys(event.after)])];
  return names.filter((name) => JSON.stringify(event.before[name]) !== JSON.stringify(event.after[name]));
}

/** What an event changed, field by field. */
export function FieldChanges({ event }: { event: Schemas["EventAnswer"] }) {
  return (
    <ul className="plain diff">
      {changedFields(event).map((name) => (
        <li key={name}>
          <strong>{name}</strong>
          {event.before[name] !== undefined && event.before[name] !== null && <del>{value(event.before[name])}</del>}
          {event.after[name] !== undefined && event.after[name] !== null && <ins>{value(event.after[name])}</ins>}
        </li>
      ))}
    </ul>
  );
}
