"""The demo's home as people meet it: real loans, real films. `make screenshots` takes docs/screenshots from it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import act, pressing, sign_in
from tests.console.demo import ROOT, Demo, demo_home
from tests.console.screens import look

#: `make screenshots` sets it
PICTURES = os.environ.get("TENURE_SCREENSHOTS", "")
LONG = 400_000

SCREENS = {
    "overview": ("/", "Overview"),
    "applications": ("/applications", "Applications"),
    "application-path": ("/applications/credit", "The way of a request"),
    "application-rules": ("/applications/movies?tab=rules", "Rules"),
    "application-table": ("/applications/credit?tab=rules", "Rules"),
    "application-revisions": ("/applications/credit?tab=revisions", "What was in force since when"),
    "models": ("/models", "Models"),
    "model": ("/models/credit-risk", "Metrics over versions"),
    "version": ("/models/credit-risk/2", "Who did what, and why"),
    "version-monitoring": ("/models/credit-risk/2?tab=monitoring", "What came in, against the reference"),
    "version-run": ("/models/credit-risk/2?tab=run", "Run it"),
    "version-package": ("/models/credit-risk/2?tab=package", "Manifest"),
    "version-logs": ("/models/credit-risk/2?tab=logs", "The newest lines of its worker"),
    "decisions": ("/decisions?application=credit", "Newest first"),
    "decision": ("/decisions/{loan}", "How it came about"),
    "decision-movies": ("/decisions/{films}", "How it came about"),
    "playground": ("/playground?application=credit&decision={loan}&right=2&right_model=credit-risk/1", "The other way"),
    "reviews": ("/reviews", "Reviews"),
    "features": ("/features", "Features"),
    "feature-view": ("/features/daily_sales?at=hawaiian", "Columns"),
    "alerts": ("/alerts", "Alerts"),
    "audit": ("/audit", "Audit log"),
    "access": ("/access", "Access"),
    "system": ("/system", "Processes"),
}
GOALS = {
    "kitchen": {"goal": "prepare what is eaten, and throw little away"},
    "lending": {"goal": "lend to those who pay back", "measure": "rate(bad == true)", "better": "lower"},
    "recommendations": {"goal": "show people films that they go on to like"},
}
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def house(console: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo_home(tmp_path_factory.mktemp("demo")) as made:
        yield made


def newest(demo: Demo, application: str, **search: object) -> str:
    """Return the id of the newest decision that fits."""
    found = demo.client.call("decisions:list", application=application, limit=1, **search)["decisions"]
    return str(found[0]["decision_id"])


def test_every_screen_shows_itself_to_everybody(page: Page, house: Demo) -> None:
    """Goes first: it shows the home as the demo leaves it."""
    ids = {"loan": newest(house, "credit", decided_by="model"), "films": newest(house, "movies", decided_by="model")}
    for project, goal in GOALS.items():
        house.client.call("projects:set", project=project, reason="agreed for this year", **goal)
    screens = {name: (path.format(**ids), heading) for name, (path, heading) in SCREENS.items()}
    assert not look(page, house.url, screens, ROOT / PICTURES if PICTURES else None)


def test_the_decision_of_a_given_customer_is_found_and_explained(page: Page, house: Demo) -> None:
    # The last ones were asked when the better version had long been in force.
    loan = next(one for one in reversed(house.asked("credit", 2)) if one["annual_inc"] > 3 * one["funded_amnt"])
    page.goto(house.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type(loan["loan_id"])
    page.get_by_role("option").filter(has_text="search by entity").click()
    expect(page.get_by_role("heading", name=f"About {loan['loan_id']}, newest first")).to_be_visible()
    page.get_by_role("table").get_by_role("link").first.click()
    steps = page.locator(".timeline")
    expect(steps).to_contain_text(loan["loan_id"])
    expect(steps).to_contain_text("too-large")
    expect(steps).to_contain_text("credit-risk/2")
    expect(steps).to_contain_text("settled by bands")
    expect(page.get_by_role("img", name=re.compile("Contributions to"))).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("bit for bit")).to_be_visible(timeout=LONG)


def test_the_cold_start_rule_goes_from_10_to_20_and_back(page: Page, house: Demo) -> None:
    person = somebody_new(house)

    def because() -> str:
        return str(house.decide("movies", **person)["answer"]["because"])

    assert because() == "taste"
    page.goto(f"{house.url}/applications/movies?tab=rules")
    page.get_by_role("textbox", name="Condition of newcomer").fill("rated < 20")
    page.get_by_role("button", name="Run tests").click()
    expect(page.get_by_text("1 of 3 tests pass")).to_be_visible(timeout=LONG)
    page.get_by_role("tab", name="application.yaml").click()
    text = page.get_by_role("textbox", name="application.yaml")
    text.fill(text.input_value().replace("{rated: 10", "{rated: 20"))
    page.get_by_role("button", name="Run tests").click()
    expect(page.get_by_text("3 of 3 tests pass")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Back-test on the log").click()
    expect(page.get_by_text("decisions would come out otherwise")).to_be_visible(timeout=LONG)
    act(page, page.get_by_role("button", name="Publish"), "ten ratings say too little", "logged decisions")
    assert because() == "popular", "the next answer is the new revision's"
    act(page, page.get_by_role("button", name="Roll back"), "people missed their own films", "instead of")
    assert because() == "taste"


def somebody_new(demo: Demo) -> dict[str, object]:
    """Return a request of a person who has just rated fifteen films: everybody in the data has rated twenty or more."""
    other = next(one for one in demo.asked("movies", 2) if one["user_id"])
    activity = demo.client.call("features:get", view="user_activity", key=other["user_id"])["values"]
    row = {**activity, "user_id": "somebody-new"}
    demo.client.call("features:ingest", view="user_activity", rows=[row], reason="a story")
    rated = [{"user_id": "somebody-new", "movie_id": film, "rating": 4.0} for film in range(1, 16)]
    events = [{"event": "rating", "values": one, "id": f"story-{one['movie_id']}"} for one in rated]
    demo.client.call("events:import", application="movies", events=events)
    return {**other, "user_id": "somebody-new"}


def test_an_archived_version_comes_back_as_challenger_and_is_promoted(page: Page, house: Demo) -> None:
    loan = next(one for one in house.asked("credit", 2) if one["annual_inc"] > 3 * one["funded_amnt"])
    page.goto(f"{house.url}/models/credit-risk/1")
    button = page.get_by_role("button")
    act(page, button.filter(has_text="Restore"), "to compare with it", "can be deployed again")
    act(page, button.filter(has_text="Deploy"), "beside the champion", "ready before anything changes", patience=LONG)
    for action, champion in (("Promote", 1), ("Roll back", 2)):
        act(page, button.filter(has_text=action), f"to see it: {action}", "credit", patience=LONG)
        assert house.decide("credit", **loan)["model"]["version"] == champion


def test_a_version_that_is_used_is_not_decommissioned_and_the_refusal_says_by_whom(page: Page, house: Demo) -> None:
    page.goto(f"{house.url}/models/credit-risk/2")
    page.get_by_role("button", name="Decommission").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is in use: credit")
    dialog.get_by_label("Reason").fill("to be rid of it")
    dialog.get_by_label("Type credit-risk/2").fill("credit-risk/2")
    dialog.get_by_role("button", name="Decommission").click()
    expect(dialog.get_by_role("alert")).to_contain_text("the active revision credit/2")
    expect(dialog.get_by_role("alert")).to_contain_text("the alias credit-risk@champion")


def test_an_alert_is_acknowledged_and_silenced_where_it_stands(page: Page, house: Demo) -> None:
    page.goto(f"{house.url}/alerts?status=open&model=credit-risk")
    row = page.get_by_role("region", name="Alerts").get_by_role("row").nth(1)
    with pressing(page, "alerts:ack", "alerts:silence"):
        act(page, row.get_by_role("button", name="Silence"), "known until the season ends", "No webhook is told")
        expect(row).to_contain_text("silent until")
        act(page, row.get_by_role("button", name="Acknowledge"), "the season", "It is marked as seen")
    page.goto(f"{house.url}/alerts?status=acknowledged&model=credit-risk")
    expect(page.get_by_role("region", name="Alerts")).to_contain_text("the season")


def test_a_viewer_reads_and_changes_nothing(page: Page, house: Demo) -> None:
    page.context.clear_cookies()
    sign_in(page, house.url, house.new_token("viewer"))
    page.goto(f"{house.url}/models/credit-risk/2")
    expect(page.get_by_role("heading", name="Who did what, and why")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Promote|Roll back|Decommission"))).to_have_count(0)
