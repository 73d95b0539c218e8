"""The one table of actions: each is a permission, an audit event, a route, a command and a button of one name."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tenure.app import wire
from tenure.app.calls import (
    accountability,
    accounts,
    applications,
    data_out,
    decisions,
    features,
    figures,
    governance,
    keeping,
    notices,
    officer,
    projects,
    resolutions,
    rules,
    travelling,
    trust,
    versions,
)
from tenure.kit.clock import SECOND
from tenure.kit.errors import Kind, TenureError
from tenure.model.monitoring.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from tenure.app.control import Control
    from tenure.governance.access import Actor


class UnknownAction(TenureError):
    """Nothing of this name can be done."""

    code = "unknown-action"
    kind = Kind.NOT_FOUND
    message = "there is no action {name!r}"
    next_step = "see /api/v1/openapi.json for those there are"


@dataclass(frozen=True, slots=True)
class Retiring:
    """An action that callers should leave: since when they are told, when it ends at the earliest, and what to use then.

    Times are UTC microseconds; `successor` is the path of what takes its place, empty where nothing does.
    """

    since: int
    sunset: int
    successor: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers that tell programs (RFC 9745, RFC 8594, RFC 5829)."""
        told = {"Deprecation": f"@{self.since // SECOND}", "Sunset": formatdate(self.sunset // SECOND, usegmt=True)}
        return told | ({"Link": f'<{self.successor}>; rel="successor-version"'} if self.successor else {})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done. Parameters named in `path` come from it, the others from the query or the JSON body.

    `upload` names the one field of `input` that a remote caller cannot give: the entry point stores the uploaded body
    in a file or folder of its own and fills the field with its path. `retiring` tells callers to leave it; it works on.
    """

    name: str
    verb: str
    path: str
    input: type[msgspec.Struct]
    output: Any
    call: Callable[[Control, Actor, Any], Any]
    upload: str = ""
    retiring: Retiring | None = None


_API = "/api/v1"
_MODEL = f"{_API}/models/{{model}}"
_VERSION = f"{_MODEL}/versions/{{version}}"
_APPLICATION = f"{_API}/applications/{{application}}"
_USER = f"{_API}/users/{{user}}"
_REVISION = f"{_APPLICATION}/revisions/{{revision}}"

# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("whoami", "GET", f"{_API}/whoami", wire.Nothing, wire.WhoamiAnswer, governance.whoami),
    Action("status", "GET", f"{_API}/status", wire.Nothing, wire.StatusAnswer, governance.status),
    Action("verify", "GET", f"{_API}/verify", wire.Verify, wire.VerifyAnswer, versions.verify),
    Action("replay", "POST", f"{_API}/replay", wire.Replay, wire.ReplayAnswer, decisions.replay),

    Action("models:list", "GET", f"{_API}/models", wire.ListModels, list[wire.ModelAnswer], versions.models),
    Action("models:show", "GET", _MODEL, wire.Model, wire.ModelAnswer, versions.model),
    Action("models:history", "GET", f"{_MODEL}/history", wire.ModelHistory, wire.HistoryAnswer, versions.history),
    Action("models:rollback", "POST", f"{_MODEL}/rollback", wire.Rollback, wire.Moved, versions.rollback),

    Action("models:dossier", "POST", f"{_MODEL}/dossier", wire.PackModel, wire.PackAnswer, officer.pack),

    Action("versions:register", "POST", f"{_API}/versions", wire.Register, wire.RegisterAnswer, versions.register, upload="package"),
    Action("versions:export", "POST", f"{_VERSION}/export", wire.ExportVersion, wire.ExportedAnswer, travelling.export),
    Action("versions:content", "GET", f"{_VERSION}/content", wire.Content, wire.ContentAnswer, travelling.content),
    Action("versions:import", "POST", f"{_API}/imports", wire.ImportVersion, wire.ImportedAnswer, travelling.receive, upload="package"),
    Action("versions:list", "GET", f"{_MODEL}/versions", wire.ListVersions, list[wire.VersionAnswer], versions.versions),
    Action("versions:show", "GET", _VERSION, wire.Version, wire.VersionDetail, versions.show),
    Action("versions:compare", "GET", f"{_VERSION}/compare", wire.Compare, wire.CompareAnswer, versions.compare),
    Action("versions:history", "GET", f"{_VERSION}/history", wire.VersionHistory, wire.HistoryAnswer, versions.version_history),
    Action("versions:logs", "GET", f"{_VERSION}/logs", wire.Logs, wire.LogsAnswer, versions.logs),
    Action("versions:approve", "POST", f"{_VERSION}/approve", wire.Change, wire.VersionAnswer, versions.approve),
    Action("versions:deploy", "POST", f"{_VERSION}/deploy", wire.Deploy, wire.Moved, versions.deploy),
    Action("versions:promote", "POST", f"{_VERSION}/promote", wire.Change, wire.Moved, versions.promote),
    Action("versions:decommission", "POST", f"{_VERSION}/decommission", wire.Decommission, wire.EndedAnswer, versions.decommission),
    Action("versions:archive", "POST", f"{_VERSION}/archive", wire.Change, wire.ArchiveAnswer, versions.archive),
    Action("versions:restore", "POST", f"{_VERSION}/restore", wire.Restore, wire.ArchiveAnswer, versions.restore),
    Action("versions:attach", "POST", f"{_VERSION}/papers", wire.Attach, wire.PaperAnswer, officer.attach),
    Action("versions:paper", "GET", f"{_VERSION}/papers/{{paper}}", wire.ReadPaper, wire.PaperContent, officer.paper),
    Action("inventory:show", "GET", f"{_API}/inventory", wire.ShowInventory, wire.InventoryAnswer, officer.inventory),
    Action("inventory:add", "POST", f"{_API}/inventory", wire.AddInventory, wire.InventoryLine, officer.add),
    Action("versions:run", "POST", f"{_VERSION}/run", wire.Run, wire.RunAnswer, versions.run),

    Action("applications:list", "GET", f"{_API}/applications", wire.ListApplications, list[wire.ApplicationAnswer], applications.applications),
    Action("applications:apply", "POST", f"{_API}/applications", wire.Apply, wire.Applied, applications.apply),
    Action("applications:show", "GET", _APPLICATION, wire.ShowApplication, wire.RevisionAnswer, applications.show),
    Action("applications:init", "GET", f"{_APPLICATION}/init", wire.Init, wire.InitAnswer, applications.init),
    Action("applications:diff", "GET", f"{_APPLICATION}/diff", wire.Diff, wire.DiffAnswer, applications.diff),
    Action("applications:history", "GET", f"{_APPLICATION}/history", wire.ListActivations, list[wire.ActivationAnswer], applications.history),
    Action("applications:revisions", "GET", f"{_APPLICATION}/revisions", wire.ListRevisions, list[wire.RevisionRow], applications.revisions),
    Action("applications:approve", "POST", f"{_REVISION}/approve", wire.ApproveRevision, wire.ApprovedRevision, applications.approve),
    Action("applications:activate", "POST", f"{_REVISION}/activate", wire.ActivateRevision, wire.Applied, applications.activate),
    Action("applications:trial", "GET", f"{_APPLICATION}/trial", wire.ShowTrial, wire.TrialAnswer, applications.trial),
    Action("applications:end", "POST", f"{_APPLICATION}/end", wire.EndTrial, wire.EndedTrial, applications.end),
    Action("applications:rollback", "POST", f"{_APPLICATION}/rollback", wire.RollbackApplication, wire.Applied, applications.rollback),

    Action("projects:list", "GET", f"{_API}/projects", wire.ListProjects, list[wire.ProjectAnswer], projects.projects),
    Action("projects:show", "GET", f"{_API}/projects/{{project}}", wire.ShowProject, wire.ProjectDetail, projects.show),
    Action("projects:set", "POST", f"{_API}/projects/{{project}}", wire.SetProject, wire.ProjectAnswer, projects.set_project),

    Action("rules:check", "POST", f"{_API}/rules/check", wire.CheckRules, wire.CheckedAnswer, rules.check),
    Action("rules:test", "POST", f"{_API}/rules/test", wire.CheckRules, wire.TestedAnswer, rules.test),
    Action("rules:backtest", "POST", f"{_API}/rules/backtest", wire.TryRules, wire.BacktestAnswer, rules.backtest),
    Action("rules:evaluate", "POST", f"{_API}/rules/evaluate", wire.Evaluate, wire.EvaluatedAnswer, rules.evaluate),

    Action("decisions:list", "GET", f"{_API}/decisions", wire.Decisions, wire.DecisionsAnswer, decisions.decisions),
    Action("decisions:show", "GET", f"{_API}/decisions/{{decision}}", wire.Decision, wire.DecisionDetail, decisions.decision),
    Action("decisions:figures", "GET", f"{_API}/figures", wire.ShowFigures, wire.FiguresAnswer, figures.figures),
    Action("decisions:why", "GET", f"{_API}/decisions/{{decision}}/why", wire.AskWhy, wire.WhyAnswer, rules.why),
    Action("decisions:explain", "GET", f"{_API}/decisions/{{decision}}/explanation", wire.Explain, wire.ExplanationAnswer, accountability.explain),
    Action("decisions:dossier", "POST", f"{_API}/decisions/{{decision}}/dossier", wire.Decision, wire.DossierAnswer, accountability.dossier),
    Action("decisions:resolve", "POST", f"{_API}/decisions/{{decision}}/resolutions", wire.Resolve, wire.ResolutionAnswer, resolutions.resolve),
    Action("decisions:reviews", "GET", f"{_API}/reviews", wire.Reviews, list[wire.ReviewAnswer], resolutions.reviews),
    Action("decisions:overrides", "GET", f"{_API}/overrides", wire.ShowOverrides, wire.OverridesAnswer, resolutions.overrides),
    Action("decisions:export", "POST", f"{_API}/decisions/export", wire.Export, wire.ExportAnswer, data_out.export),
    Action("sql", "POST", f"{_API}/sql", wire.Sql, wire.SqlAnswer, data_out.sql),
    Action("outcomes:import", "POST", f"{_APPLICATION}/outcomes", wire.ImportOutcomes, wire.OutcomesAnswer, decisions.import_outcomes),

    Action("events:import", "POST", f"{_APPLICATION}/events", wire.ImportEvents, wire.EventsAnswer, features.tell),

    Action("features:list", "GET", f"{_API}/features", wire.ListViews, list[wire.ViewAnswer], features.views),
    Action("features:get", "GET", f"{_API}/features/{{view}}/values/{{key}}", wire.Feature, wire.FeatureAnswer, features.feature),
    Action("features:ingest", "POST", f"{_API}/features/{{view}}/rows", wire.Ingest, wire.IngestAnswer, features.ingest),
    Action("features:apply", "POST", f"{_API}/features", wire.ApplyView, wire.ViewDetail, features.apply),
    Action("features:show", "GET", f"{_API}/features/{{view}}", wire.ShowView, wire.ViewDetail, features.show),
    Action("features:expire", "POST", f"{_API}/features/{{view}}/expire", wire.ExpireValues, wire.ExpireValuesAnswer, keeping.expire_values),
    Action("features:join", "POST", f"{_API}/features/join", wire.Join, wire.JoinAnswer, features.join),

    Action("monitor:report", "GET", f"{_VERSION}/report", wire.ReportOn, Report, decisions.report),
    Action("alerts:list", "GET", f"{_API}/alerts", wire.Alerts, list[wire.AlertAnswer], decisions.alerts),
    Action("alerts:silence", "POST", f"{_API}/alerts/silences", wire.Silence, wire.SilenceAnswer, notices.silence),
    Action("webhooks:list", "GET", f"{_API}/webhooks", wire.ListWebhooks, list[wire.WebhookAnswer], notices.webhooks),
    Action("webhooks:set", "PUT", f"{_API}/webhooks/{{webhook}}", wire.SetWebhook, wire.WebhookAnswer, notices.set_webhook),
    Action("webhooks:remove", "POST", f"{_API}/webhooks/{{webhook}}/remove", wire.OneWebhook, wire.WebhookAnswer, notices.remove),
    Action("webhooks:retry", "POST", f"{_API}/webhooks/deliveries/{{delivery}}/retry", wire.RetryDelivery, wire.DeliveryAnswer, notices.retry),
    Action("alerts:ack", "POST", f"{_API}/alerts/{{alert}}/ack", wire.Acknowledge, wire.AlertAnswer, decisions.acknowledge),

    Action("log:proof", "GET", f"{_API}/log/proofs/{{decision}}", wire.LogProof, wire.ProofAnswer, keeping.proof),
    Action("log:checkpoint", "GET", f"{_API}/log/checkpoint", wire.LogCheckpoint, wire.ProofAnswer, keeping.checkpoint),
    Action("backup", "POST", f"{_API}/backup", wire.Backup, wire.BackupAnswer, keeping.backup),
    Action("repair", "POST", f"{_API}/repair", wire.Repair, wire.RepairAnswer, keeping.repair),
    Action("restart", "POST", f"{_API}/restart", wire.Restart, wire.RestartAnswer, keeping.restart),
    Action("gc", "POST", f"{_API}/gc", wire.Sweep, wire.SweepAnswer, keeping.sweep),
    Action("drill", "POST", f"{_API}/drill", wire.Nothing, wire.DrillAnswer, keeping.drill),
    Action("holds:add", "POST", f"{_API}/holds", wire.PlaceHold, wire.HoldAnswer, keeping.hold),
    Action("holds:release", "POST", f"{_API}/holds/release", wire.PlaceHold, wire.HoldAnswer, keeping.release),
    Action("retention:list", "GET", f"{_API}/retention", wire.RetentionOf, wire.RetentionAnswer, keeping.retention),
    Action("retention:define", "POST", f"{_API}/retention/classes", wire.DefineClass, wire.ClassAnswer, keeping.define),
    Action("retention:assign", "POST", f"{_API}/retention/uses", wire.AssignClass, wire.AssignedAnswer, keeping.assign),
    Action("retention:expire", "POST", f"{_APPLICATION}/expire", wire.ExpireLog, wire.ExpireAnswer, keeping.expire),
    Action("versions:destroy", "POST", f"{_VERSION}/destroy", wire.Change, wire.DestroyAnswer, keeping.destroy),
    Action("persons:erase", "POST", f"{_APPLICATION}/erase", wire.Erase, wire.EraseAnswer, keeping.erase),

    Action("audit:log", "GET", f"{_API}/audit", wire.AuditLog, list[wire.EventAnswer], governance.audit_log),
    Action("audit:verify", "GET", f"{_API}/audit/verify", wire.Nothing, wire.VerifyAnswer, governance.audit_verify),
    Action("tokens:list", "GET", f"{_API}/tokens", wire.ListTokens, list[wire.TokenAnswer], governance.tokens),
    Action("tokens:create", "POST", f"{_API}/tokens", wire.CreateToken, wire.NewTokenAnswer, governance.create_token),
    Action("tokens:revoke", "POST", f"{_API}/tokens/{{token}}/revoke", wire.RevokeToken, wire.TokenAnswer, governance.revoke_token),
    Action("users:list", "GET", f"{_API}/users", wire.ListUsers, list[wire.UserAnswer], accounts.users),
    Action("users:show", "GET", _USER, wire.ShowUser, wire.UserAnswer, accounts.user),
    Action("users:create", "POST", f"{_API}/users", wire.CreateUser, wire.UserAnswer, accounts.create_user),
    Action("users:change", "POST", f"{_USER}/change", wire.ChangeUser, wire.UserAnswer, accounts.change_user),
    Action("users:disable", "POST", f"{_USER}/disable", wire.NamedUser, wire.UserAnswer, accounts.disable_user),
    Action("users:enable", "POST", f"{_USER}/enable", wire.NamedUser, wire.UserAnswer, accounts.enable_user),
    Action("users:password", "POST", f"{_USER}/password", wire.SetPassword, wire.UserAnswer, accounts.set_password),
    Action("users:link", "POST", f"{_API}/sign-in-links", wire.MakeLink, wire.LinkAnswer, accounts.link),
    Action("sessions:list", "GET", f"{_API}/sessions", wire.ListSessions, list[wire.SessionRow], accounts.sessions),
    Action("sessions:end", "DELETE", f"{_API}/sessions/{{session}}", wire.EndSession, wire.SessionRow, accounts.end_session),
    Action("trust:list", "GET", f"{_API}/trust", wire.ListTrusted, list[wire.TrustedAnswer], trust.trusted),
    Action("trust:add", "POST", f"{_API}/trust", wire.TrustKey, wire.TrustedAnswer, trust.add),
    Action("trust:remove", "POST", f"{_API}/trust/remove", wire.TrustNoMore, wire.TrustedAnswer, trust.remove),

    Action("policy:show", "GET", f"{_API}/policy", wire.Nothing, wire.PolicyAnswer, governance.policy),
    Action("policy:set", "PUT", f"{_API}/policy", wire.SetPolicy, wire.PolicyAnswer, governance.set_policy),
)
# fmt: on

_BY_NAME = {action.name: action for action in ACTIONS}


def named(name: str) -> Action:
    """Return the action of this name; raise `UnknownAction`."""
    if name not in _BY_NAME:
        raise UnknownAction(name=name)
    return _BY_NAME[name]
