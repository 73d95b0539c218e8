"""Every screen in light and dark: nobody is shut out (axe), nothing breaks, and docs/screenshots shows them as they are."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.lived_in import LivedIn

ROOT = Path(__file__).parents[2]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
#: `make screenshots` sets it
SHOTS = os.environ.get("TENURE_SCREENSHOTS", "")

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
    "decisions": ("/decisions?entity=c7", "About c7, newest first"),
    "decision": ("/decisions/{decision}", "How it came about"),
    "playground": ("/playground?application=churn-offers&decision={decision}", "The other way"),
    "reviews": ("/reviews", "Reviews"),
    "features": ("/features/customer_activity?at=c7", "Columns"),
    "alerts": ("/alerts", "Alerts"),
    "audit": ("/audit", "Audit log"),
    "access": ("/access", "Access"),
    "system": ("/system", "Processes"),
}


@pytest.fixture(scope="module")
def decision(house: LivedIn) -> str:
    made = house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="phone")
    return str(made["decision_id"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_shows_itself_to_everybody(page: Page, house: LivedIn, decision: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for name, (path, heading) in SCREENS.items():
        page.goto(house.url + path.format(decision=decision))
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible(timeout=60_000)
        expect(page.locator(".waiting")).to_have_count(0, timeout=60_000)
        expect(page.get_by_role("alert").filter(has_text="Next step")).to_have_count(0)
        if SHOTS:
            page.screenshot(path=ROOT / SHOTS / f"{name}-{scheme}.png", full_page=True, scale="css")
        # Told by the browser itself: the page's policy would rightly refuse it as a script.
        page.evaluate(AXE.read_text())
        found[name] = serious(page)
    assert not {name: faults for name, faults in found.items() if faults}


def serious(page: Page) -> list[str]:
    """Return what axe finds serious or worse, each with where it is."""
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])} places)"
        for one in results["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
