"""Every screen in light and dark: nobody is shut out (axe), and nothing breaks. Pictures are taken of the demo's home."""

from playwright.sync_api import Page

from tests.console.lived_in import LivedIn
from tests.console.screens import look

SCREENS = {
    "overview": ("/", "Overview"),
    "applications": ("/applications", "Applications"),
    "application-path": ("/applications/churn-offers", "The way of a request"),
    "application-rules": ("/applications/churn-offers?tab=rules", "Rules"),
    "application-table": ("/applications/shipping?tab=rules", "Rules"),
    "application-revisions": ("/applications/churn-offers?tab=revisions", "What was in force since when"),
    "models": ("/models", "Models"),
    "model": ("/models/churn", "Metrics over versions"),
    "version": ("/models/churn/2", "Who did what, and why"),
    "version-monitoring": ("/models/churn/2?tab=monitoring", "What came in, against the reference"),
    "version-run": ("/models/churn/2?tab=run", "Run it"),
    "version-package": ("/models/churn/2?tab=package", "Manifest"),
    "version-logs": ("/models/churn/2?tab=logs", "The newest lines of its worker"),
    "decisions": ("/decisions?entity=c7", "About c7, newest first"),
    "decision": ("/decisions/{decision}", "How it came about"),
    "playground": ("/playground?application=churn-offers&decision={decision}", "The other way"),
    "reviews": ("/reviews", "Reviews"),
    "features": ("/features", "Features"),
    "feature-view": ("/features/customer_activity?at=c7", "Columns"),
    "alerts": ("/alerts", "Alerts"),
    "audit": ("/audit", "Audit log"),
    "access": ("/access", "Access"),
    "system": ("/system", "Processes"),
}


def test_every_screen_shows_itself_to_everybody(page: Page, house: LivedIn) -> None:
    made = house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="phone")
    screens = {name: (path.format(decision=made["decision_id"]), heading) for name, (path, heading) in SCREENS.items()}
    assert not look(page, house.url, screens)
