import type { Schemas } from "../../api/call";
import { useAsk, useMay } from "../../api/queries";
import { FieldChanges, changedFields } from "../../kit/FieldChanges";
import { Filters } from "../../kit/Filters";
import { TargetLink } from "../../kit/Links";
import { Listed } from "../../kit/Listed";
import { Mark } from "../../kit/Marks";
import { Heading, Panel } from "../../kit/Panel";
import { eventWords } from "../../kit/words";
import { moment, several, shortDigest, value, who } from "../../kit/show";

/** Every change there ever was, with who, why, and what it was before; the chain verified. */
export function Audit({ target = "", actor = "", action = "" }: { target?: string; actor?: string; action?: string }) {
  const verified = useAsk("audit:verify", {}, { enabled: useMay()("audit:verify"), staleTime: 60_000 });
  return (
    <>
      <Heading title="Audit log" under={verified.data && <><Mark of={verified.data.intact ? "chain verified" : "chain broken"} />{Object.entries(verified.data.checked).map(([what, count]) => `${value(count)} ${what}`).join(", ")}{verified.data.problems.join("; ")}</>} />
      <Panel>
        <Filters filters={[{ name: "target", label: "About", placeholder: "churn/2, churn-offers, policy …" }, { name: "actor", label: "By whom" }, { name: "action", label: "What was done", placeholder: "versions:promote" }]} />
      </Panel>
      <Panel title={target ? `About ${target}, newest first` : "Newest first"}>
        <Listed action="audit:log" given={{ target, actor, action }} every={10_000} empty="Nothing was changed.">
          {(rows) => <ol className="timeline">{rows.map((row) => <Event key={row.sequence} event={row} />)}</ol>}
        </Listed>
      </Panel>
    </>
  );
}

function Event({ event }: { event: Schemas["EventAnswer"] }) {
  const changed = changedFields(event);
  return (
    <li data-on="true">
      <div className="step">
        <h3 title={event.action}>{eventWords(event.action)} <TargetLink action={event.action} target={event.target} /></h3>
        <span className="dim small">{moment(event.at)} by {who(event.actor)} ({event.role}) · no. {event.sequence} · digest <code title={event.digest}>{shortDigest(event.digest)}</code></span>
      </div>
      {event.reason && <div>{event.reason}</div>}
      {changed.length > 0 && (
        <details className="small">
          <summary>{several(changed.length, "field")} changed</summary>
          <FieldChanges event={event} />
        </details>
      )}
    </li>
  );
}
