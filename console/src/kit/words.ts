// The words that a list can be narrowed down by, as the API knows them.
export const ROLES = ["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"] as const;
export const VERSION_STAGES = ["registered", "approved", "deployed", "decommissioned", "archived", "destroyed"] as const;
export const REVISION_STAGES = ["draft", "approved", "scheduled", "trial", "active", "retired"] as const;
export const ALERT_STATES = ["open", "acknowledged", "resolved"] as const;
/** What an alert's kind means, for who never saw the word. */
const ALERTS: Record<string, string> = {
  missing: "missing values", outside: "values out of range", failures: "requests without output", broken: "a comparison that failed",
};

export function alertWords(kind: string): string {
  return ALERTS[kind] ?? kind;
}

/** What a field's type means to who fills it in. */
const TYPES: Record<string, string> = { string: "text", int: "whole number", float: "number", bool: "yes or no", date: "day", moment: "moment", timestamp: "moment" };

export function typeWords(type: string): string {
  return TYPES[type] ?? type;
}

/** What somebody did, as a sentence that goes on with what it was done to; actions are named noun:verb. */
const DONE: Record<string, string> = {
  "decisions:personal": "read personal fields of", "outcomes:import": "import outcomes of", "events:import": "import events of", "features:ingest": "ingest into", "features:apply": "define", "users:link": "make a sign-in link for",
};

export function eventWords(action: string): string {
  const [noun = "", ...verbs] = action.split(":");
  if (verbs.length === 0) return noun;
  return DONE[action] ?? [...verbs, noun.replace(/s$/, "")].join(" ").replaceAll("_", " ");
}

export const ALERT_KINDS = ["drift", "score drift", "missing", "outside", "failures", "broken"] as const;
