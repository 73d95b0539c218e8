import { NumberInput, Select, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

const MODES = [
  { value: "now", label: "in force, at once" },
  { value: "time", label: "in force from a time on" },
  { value: "shadow", label: "on trial: watches every request, answers none" },
  { value: "share", label: "on trial: answers a share of the entities" },
];
const DRAFT = { value: "draft", label: "kept as a draft, for somebody to look at" };

export interface Placed {
  draft?: boolean;
  from?: string;
  until?: string;
  shadow?: boolean;
  share?: number;
}

/** Where a revision is put: the choice as form fields, what is sent for it, and what it means in words. */
export function usePlacing(application: string, mayBeDraft: boolean): { given: Placed; fields: ReactNode; says: string } {
  const [mode, setMode] = useState("now");
  const [starts, setStarts] = useState("");
  const [ends, setEnds] = useState("");
  const [share, setShare] = useState(0.1);
  const timed = { ...(starts ? { from: moment(starts) } : {}), ...(ends ? { until: moment(ends) } : {}) };
  const placed: Record<string, Placed> = { now: {}, draft: { draft: true }, time: timed, shadow: { shadow: true }, share: { share } };
  const says: Record<string, string> = {
    now: `The next request to ${application} is answered by it.`,
    draft: "It answers nobody until it is activated.",
    time: `${starts ? `From ${starts.replace("T", " ")} on` : "From now on"}, ${application} is answered by it${ends ? `, until ${ends.replace("T", " ")}; then by the one before` : ""}.`,
    shadow: "Every request is evaluated by it too, after it was answered; nobody sees its answers but you.",
    share: `${Math.round(share * 100)} of 100 entities of ${application} are answered by it, always the same ones.`,
  };
  const fields = (
    <>
      <Select label="Put it" data={mayBeDraft ? [...MODES, DRAFT] : MODES} value={mode} onChange={(next) => next && setMode(next)} allowDeselect={false} comboboxProps={{ withinPortal: false }} />
      {mode === "time" && (
        <div className="row">
          <TextInput type="datetime-local" label="From" description="empty: at once" value={starts} onChange={(event) => setStarts(event.currentTarget.value)} />
          <TextInput type="datetime-local" label="Until" description="empty: for good" value={ends} onChange={(event) => setEnds(event.currentTarget.value)} />
        </div>
      )}
      {mode === "share" && <NumberInput label="Share of the entities" value={share} onChange={(next) => setShare(Number(next))} min={0.01} max={0.99} step={0.05} />}
    </>
  );
  return { given: placed[mode] ?? {}, fields, says: says[mode] ?? "" };
}

/** The moment that a local date and time names, as RFC 3339. */
function moment(local: string): string {
  return new Date(local).toISOString();
}
