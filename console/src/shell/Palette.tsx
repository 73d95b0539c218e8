import { Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useAsk, useSession } from "../api/queries";
import { PLACES } from "./places";

interface Goal {
  kind: string;
  name: string;
  more: string;
  to: string;
  search?: Record<string, string>;
}

/** Ctrl-K: every application, model, version, view and screen by its name; a decision or an entity by its id. */
export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const goals = useGoals(text);
  const navigate = useNavigate();
  const go = (goal: Goal | undefined) => {
    if (!goal) return;
    close();
    void navigate({ to: goal.to, search: goal.search ?? {} });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, goals.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") go(goals[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal opened onClose={close} withCloseButton={false} lockScroll={false} yOffset="10vh" size="lg" padding="xs" transitionProps={{ duration: 0 }} aria-label="Find anything">
      <TextInput
        aria-label="Find anything"
        placeholder="An application, a model, a version, a decision id, a customer …"
        value={text}
        onChange={(event) => { setText(event.currentTarget.value); setAt(0); }}
        onKeyDown={onKey}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={goals[at] ? `palette-${at}` : undefined}
        ref={takeFocus}
        data-autofocus
        autoComplete="off"
      />
      <ul className="palette" id="palette-list" role="listbox" aria-label="Found">
        {goals.map((goal, place) => (
          // The keyboard works on the field above; these are for the pointer.
          <li key={`${goal.kind} ${goal.name}`} id={`palette-${place}`} role="option" aria-selected={place === at} onClick={() => go(goal)} onMouseMove={() => setAt(place)}>
            <span>{goal.name}</span>
            <span className="dim">{goal.more}</span>
            <span className="kind">{goal.kind}</span>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

/** Focus as soon as the field stands: the dialog itself waits a tick, in which a fast typist's first letters are lost. */
function takeFocus(field: HTMLInputElement | null) {
  field?.focus();
}

const MOST = 12;

function useGoals(text: string): Goal[] {
  const who = useSession().data;
  const may = useMemo(() => who?.actions ?? [], [who]);
  const [settled] = useDebouncedValue(text.trim(), 150);
  // Searched by the server: there may be more than a page of each. Of a version the model's name is sought.
  const [modelName = ""] = settled.split("/");
  const named = { name: modelName, limit: MOST };
  const applications = useAsk("applications:list", named, { enabled: may.includes("applications:list"), placeholderData: (before) => before });
  const models = useAsk("models:list", named, { enabled: may.includes("models:list"), placeholderData: (before) => before });
  const views = useAsk("features:list", named, { enabled: may.includes("features:list"), placeholderData: (before) => before });
  const model = models.data?.find((one) => modelName === one.model)?.model ?? "";
  const versions = useAsk("versions:list", { model }, { enabled: model !== "" });
  return useMemo(() => {
    const known: Goal[] = [
      ...PLACES.filter((place) => may.includes(place.needs)).map((place) => ({ kind: "screen", name: place.name, more: "", to: place.to })),
      ...(applications.data ?? []).map((one) => ({ kind: "application", name: one.application, more: `revision ${one.revision}`, to: `/applications/${one.application}` })),
      ...(models.data ?? []).map((one) => ({ kind: "model", name: one.model, more: one.champion ? `champion ${one.champion}` : "no champion", to: `/models/${one.model}` })),
      ...(versions.data ?? []).map((one) => ({ kind: "version", name: one.ref, more: [one.stage, one.role].filter(Boolean).join(", "), to: `/models/${one.ref}` })),
      ...(views.data ?? []).map((one) => ({ kind: "feature view", name: one.view, more: `${one.keys} keys`, to: `/features/${one.view}` })),
    ];
    const sought = text.trim().toLowerCase();
    const found = known.filter((goal) => goal.name.toLowerCase().includes(sought)).slice(0, MOST);
    if (!sought) return found;
    return [
      ...found,
      ...(may.includes("decisions:list") ? [{ kind: "decisions of", name: text.trim(), more: "search by entity", to: "/decisions", search: { entity: text.trim() } }] : []),
      ...(text.trim().length >= 20 ? [{ kind: "decision", name: text.trim(), more: "", to: `/decisions/${text.trim()}` }] : []),
    ];
  }, [text, may, applications.data, models.data, versions.data, views.data]);
}
