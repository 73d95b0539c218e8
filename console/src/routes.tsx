// Every screen and its address; the addresses are those that answers of the API name as `url`.
import { Outlet, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { BASE } from "./api/call";
import { Empty } from "./kit/Panel";
import { Application } from "./screens/application/Application";
import { Applications } from "./screens/application/Applications";
import { Access } from "./screens/access/Access";
import { Alerts } from "./screens/alerts/Alerts";
import { Audit } from "./screens/audit/Audit";
import { Decision } from "./screens/decision/Decision";
import { Decisions } from "./screens/decisions/Decisions";
import { FeatureView } from "./screens/features/FeatureView";
import { FeatureViews } from "./screens/features/FeatureViews";
import { Models } from "./screens/model/Models";
import { Model } from "./screens/model/Model";
import { Overview } from "./screens/overview/Overview";
import { Playground } from "./screens/playground/Playground";
import { Reviews } from "./screens/reviews/Reviews";
import { System } from "./screens/system/System";
import { Version } from "./screens/version/Version";
import { Shell } from "./shell/Shell";

const root = createRootRoute({
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  notFoundComponent: () => <Empty>There is nothing at this address. Ctrl-K finds every object by its name.</Empty>,
});

/** Return the named search parameters that are texts or numbers, as text; whatever else stands in the address is dropped. */
function texts<K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const found: Partial<Record<K, string>> = {};
    for (const name of names) {
      const value = search[name];
      if ((typeof value === "string" || typeof value === "number") && value !== "") found[name] = String(value);
    }
    return found;
  };
}

const decisionsRoute = createRoute({
  getParentRoute: () => root,
  path: "/decisions",
  validateSearch: texts("entity", "pseudonym", "application", "since", "until", "rule", "decided_by", "model", "version", "after"),
  component: function DecisionsScreen() {
    return <Decisions filters={decisionsRoute.useSearch()} />;
  },
});

const decisionRoute = createRoute({
  getParentRoute: () => root,
  path: "/decisions/$decision",
  component: function DecisionScreen() {
    const { decision } = decisionRoute.useParams();
    return <Decision key={decision} id={decision} />;
  },
});

const overviewRoute = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: texts("since"),
  component: function OverviewScreen() {
    return <Overview {...overviewRoute.useSearch()} />;
  },
});
const applicationsRoute = createRoute({ getParentRoute: () => root, path: "/applications", validateSearch: texts("name", "project", "owner", "cursor"), component: function ApplicationsScreen() { return <Applications {...applicationsRoute.useSearch()} />; } });

const applicationRoute = createRoute({
  getParentRoute: () => root,
  path: "/applications/$application",
  validateSearch: texts("revision", "tab", "since", "stage", "cursor", "past_cursor"),
  component: function ApplicationScreen() {
    const { application } = applicationRoute.useParams();
    return <Application key={application} {...applicationRoute.useSearch()} name={application} />;
  },
});

const modelsRoute = createRoute({ getParentRoute: () => root, path: "/models", validateSearch: texts("name", "cursor"), component: function ModelsScreen() { return <Models {...modelsRoute.useSearch()} />; } });

const modelRoute = createRoute({
  getParentRoute: () => root,
  path: "/models/$model",
  validateSearch: texts("stage", "cursor"),
  component: function ModelScreen() {
    const { model } = modelRoute.useParams();
    return <Model key={model} {...modelRoute.useSearch()} name={model} />;
  },
});

const versionRoute = createRoute({
  getParentRoute: () => root,
  path: "/models/$model/$version",
  validateSearch: texts("tab"),
  component: function VersionScreen() {
    const { model, version } = versionRoute.useParams();
    return <Version key={`${model}/${version}`} {...versionRoute.useSearch()} model={model} version={version} />;
  },
});

const featuresRoute = createRoute({ getParentRoute: () => root, path: "/features", validateSearch: texts("name", "owner", "cursor"), component: function FeaturesScreen() { return <FeatureViews {...featuresRoute.useSearch()} />; } });

const viewRoute = createRoute({
  getParentRoute: () => root,
  path: "/features/$view",
  validateSearch: texts("at", "asOf"),
  component: function ViewScreen() {
    const { view } = viewRoute.useParams();
    return <FeatureView key={view} {...viewRoute.useSearch()} name={view} />;
  },
});

const reviewsRoute = createRoute({
  getParentRoute: () => root,
  path: "/reviews",
  validateSearch: texts("application", "queue", "cursor"),
  component: function ReviewsScreen() {
    return <Reviews {...reviewsRoute.useSearch()} />;
  },
});

const playgroundRoute = createRoute({
  getParentRoute: () => root,
  path: "/playground",
  validateSearch: texts("application", "decision", "left", "left_model", "right", "right_model"),
  component: function PlaygroundScreen() {
    const { application, decision } = playgroundRoute.useSearch();
    return <Playground {...(application ? { application } : {})} {...(decision ? { decision } : {})} />;
  },
});

const alertsRoute = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: texts("status", "kind", "model", "cursor"),
  component: function AlertsScreen() {
    return <Alerts {...alertsRoute.useSearch()} />;
  },
});

const auditRoute = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: texts("target", "actor", "action", "cursor"),
  component: function AuditScreen() {
    return <Audit {...auditRoute.useSearch()} />;
  },
});

const accessRoute = createRoute({ getParentRoute: () => root, path: "/access", validateSearch: texts("user", "user_role", "users_cursor", "token", "token_role", "tokens_cursor", "sessions_cursor"), component: Access });
const systemRoute = createRoute({ getParentRoute: () => root, path: "/system", component: System });

const tree = root.addChildren([
  overviewRoute,
  applicationsRoute,
  applicationRoute,
  modelsRoute,
  modelRoute,
  versionRoute,
  decisionsRoute,
  decisionRoute,
  featuresRoute,
  viewRoute,
  reviewsRoute,
  playgroundRoute,
  alertsRoute,
  auditRoute,
  accessRoute,
  systemRoute,
]);

export const router = createRouter({
  routeTree: tree,
  basepath: BASE,
  defaultPreload: false,
  scrollRestoration: true,
  // Addresses read as people would write them: ?entity=4711 and not ?entity=%224711%22.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return text ? `?${text}` : "";
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
