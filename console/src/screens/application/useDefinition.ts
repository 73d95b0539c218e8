import type { Schemas } from "../../api/call";
import { useDraft } from "../../kit/draft";

export interface DefinitionDraft {
  text: string;
  files: Record<string, string>;
  changed: boolean;
  /** the revision that the draft began with; its own where there is no draft */
  base: number;
  keep: (text: string) => void;
  keepFiles: (files: Record<string, string>) => void;
  /** say that the draft goes on from another revision: what came between was seen */
  goOnFrom: (revision: number) => void;
  drop: () => void;
}

/** An application's definition as it is being written: a draft remembers on which revision it began, whoever publishes meanwhile. */
export function useDefinition(revision: Schemas["RevisionAnswer"]): DefinitionDraft {
  const [text, keepText] = useDraft(`definition ${revision.application}`);
  const [tables, keepTables] = useDraft(`tables ${revision.application}`);
  const [begun, keepBegun] = useDraft(baseOf(revision.application));
  const changed = text !== null || tables !== null;
  const begin = () => {
    if (!changed) keepBegun(String(revision.revision));
  };
  return {
    text: text ?? revision.source,
    files: tables ? (JSON.parse(tables) as Record<string, string>) : revision.files,
    changed,
    base: changed && begun !== null ? Number(begun) : revision.revision,
    keep: (next) => {
      begin();
      keepText(next);
    },
    keepFiles: (next) => {
      begin();
      keepTables(JSON.stringify(next));
    },
    goOnFrom: (now) => keepBegun(String(now)),
    drop: () => {
      keepText(null);
      keepTables(null);
      keepBegun(null);
    },
  };
}

function baseOf(application: string): string {
  return `base ${application}`;
}

/** Put something into the draft from another screen, read anew: another part of the page may have written it a moment ago. */
export function changeDraft(revision: Schemas["RevisionAnswer"], change: (text: string) => string): void {
  const key = `tenure-draft:definition ${revision.application}`;
  const kept = localStorage.getItem(key);
  if (kept === null && localStorage.getItem(`tenure-draft:tables ${revision.application}`) === null) localStorage.setItem(`tenure-draft:${baseOf(revision.application)}`, String(revision.revision));
  localStorage.setItem(key, change(kept ?? revision.source));
}
