import type { ActionName } from "../api/call";

/** The screens that the navigation names; each is shown to who may ask what it asks. */
export const PLACES: { to: string; name: string; needs: ActionName }[] = [
  { to: "/", name: "Overview", needs: "status" },
  { to: "/applications", name: "Applications", needs: "applications:list" },
  { to: "/models", name: "Models", needs: "models:list" },
  { to: "/decisions", name: "Decisions", needs: "decisions:list" },
  { to: "/reviews", name: "Reviews", needs: "decisions:reviews" },
  { to: "/playground", name: "Playground", needs: "applications:show" },
  { to: "/features", name: "Features", needs: "features:list" },
  { to: "/alerts", name: "Alerts", needs: "alerts:list" },
  { to: "/audit", name: "Audit log", needs: "audit:log" },
  { to: "/access", name: "Access", needs: "tokens:list" },
  { to: "/system", name: "System", needs: "status" },
];
