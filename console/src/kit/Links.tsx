// One way to lead to each kind of object, whichever screen names it.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

export function DecisionLink({ id }: { id: string }) {
  return <Link to="/decisions/$decision" params={{ decision: id }} className="mono nowrap">{id}</Link>;
}

/** A version by its name, as `churn/2`; a model's own where there is no number. */
export function VersionLink({ of, tab, children }: { of: string; tab?: string; children?: ReactNode }) {
  const [model = "", version] = of.split("/");
  if (!version) return <Link to="/models/$model" params={{ model }}>{children ?? of}</Link>;
  return <Link to="/models/$model/$version" params={{ model, version }} search={tab ? { tab } : {}} className="nowrap">{children ?? of}</Link>;
}

/** An application, or one of its revisions, as `churn-offers/12`. */
export function ApplicationLink({ of, children }: { of: string; children?: ReactNode }) {
  const [application = "", revision] = of.split("/");
  if (application.startsWith("model:")) return <VersionLink of={application.slice(6)}>{children ?? `${application.slice(6)}, asked directly`}</VersionLink>;
  return <Link to="/applications/$application" params={{ application }} search={revision ? { revision } : {}} className="nowrap">{children ?? of}</Link>;
}

/** What an event of the audit log is about; its action says of which kind that is. */
export function TargetLink({ action, target }: { action: string; target: string }) {
  const kind = action.split(":")[0] ?? "";
  const named = /^[\w.-]+(\/\d+)?$/.test(target);
  if (target.startsWith("decision/")) return <DecisionLink id={target.slice("decision/".length)} />;
  if (named && ["applications", "rules", "events", "outcomes"].includes(kind)) return <ApplicationLink of={target} />;
  if (named && ["versions", "models"].includes(kind)) return <VersionLink of={target} />;
  if (target.startsWith("features:")) return <Link to="/features/$view" params={{ view: target.slice("features:".length) }}>{target.slice("features:".length)}</Link>;
  // What kind of thing it is stands in the action before it.
  return <>{/^(token|user|session|alert|webhook|project)\/./.test(target) ? target.slice(target.indexOf("/") + 1) : target}</>;
}
