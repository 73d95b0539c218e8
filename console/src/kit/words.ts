// The words that a list can be narrowed down by, as the API knows them.
export const ROLES = ["caller", "viewer", "builder", "operator", "validator", "approver", "auditor", "admin"] as const;
export const VERSION_STAGES = ["registered", "approved", "deployed", "decommissioned", "archived", "destroyed"] as const;
export const REVISION_STAGES = ["draft", "approved", "scheduled", "trial", "active", "retired"] as const;
export const ALERT_STATES = ["open", "acknowledged", "resolved"] as const;
export const ALERT_KINDS = ["drift", "score drift", "missing", "outside", "failures", "broken"] as const;
