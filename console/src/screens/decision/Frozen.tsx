import type { Schemas } from "../../api/call";
import { Bars } from "../../kit/Bars";
import { Panel } from "../../kit/Panel";
import { number, value, words } from "../../kit/show";

interface Explained {
  method: string;
  output?: string;
  scale?: string;
  base?: number;
  difference?: number;
  failed?: string;
}

/** What moved the model as it was computed in the decision itself and frozen with it; nothing where it was not asked for. */
export function Frozen({ decision }: { decision: Schemas["DecisionDetail"] }) {
  const served = decision.predictions.find((one) => one.role === "served");
  const explained = served?.explained as Explained | undefined | null;
  if (!explained) return null;
  const parts = (served?.contributions as { feature: string; value: number }[] | null | undefined) ?? [];
  const ordered = [...parts].sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
  const given = new Map<string, unknown>([...Object.entries(decision.request), ...decision.features.flatMap((one) => Object.entries(one.values as Record<string, unknown>))]);
  return (
    <Panel title="The reasons frozen in the decision" aside={`${words(explained.method)}${explained.scale ? `, on ${explained.scale}` : ""}`}>
      {explained.failed ? (
        <p className="bad">There are none: {explained.failed}</p>
      ) : (
        <>
          <Bars label="Frozen contributions" bars={ordered.map((one) => ({ name: one.feature, value: one.value, note: given.has(one.feature) ? `= ${value(given.get(one.feature))}` : "" }))} />
          <p className="small dim">They start from {number(explained.base ?? 0)} and add up to what was served, {number(explained.difference ?? 0)} apart. They stand in the record and are never computed again.</p>
        </>
      )}
    </Panel>
  );
}
