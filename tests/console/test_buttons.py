"""Every button is pressed once: it says whom it affects, asks why, can be copied, and does what it says."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.conftest import act, asked, opened, pressing, sign_in
from tests.console.lived_in import LivedIn

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "console" / "src" / "screens"
LONG = 120_000
#: pressed and refused: a version is kept for years
REFUSED = {"versions:destroy"}
#: a notice that could not be told takes hours to be given up, so its button is for who waits that long
NEVER_SEEN_HERE = {"webhooks:retry"}


def test_every_button_there_is_has_a_story_that_presses_it() -> None:
    sources = "\n".join(file.read_text() for file in SOURCES.rglob("*.tsx"))
    buttons = set(re.findall(r"<(?:Act|Look)\b[^>]*?\baction=\"([\w:]+)\"", sources)) | set(
        re.findall(r"useDo\(\"([\w:]+)\"", sources)
    )
    stories = "\n".join(file.read_text() for file in HERE.glob("test_*.py"))
    pressed = {
        name for told in re.findall(r"pressing\(\s*page,([^)]*)\)", stories) for name in re.findall(r"[\w:]+", told)
    }
    assert len(buttons) > 40
    assert buttons - pressed == REFUSED | NEVER_SEEN_HERE


def row_of(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def test_accounts_are_made_changed_closed_and_opened_again(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/access")
    with pressing(page, "users:create", "users:link", "users:change", "users:disable", "users:enable"):
        act(page, page.get_by_role("button", name="New account"), "she joined", "a one-time link", Name="ann")
        expect(page.get_by_text("This link signs user:ann in once")).to_be_visible()
        row = row_of(page, "ann")
        act(page, row.get_by_role("button", name="Change"), "she went to the shop", "What ann may do changes")
        act(page, row.get_by_role("button", name="Disable"), "she is away", "all sessions of the account end")
        act(page, row.get_by_role("button", name="Enable"), "she is back", "ann can sign in again")
    expect(row.get_by_role("button", name="Disable")).to_be_visible()


def test_tokens_and_sessions_end_when_somebody_says_so(page: Page, house: LivedIn, browser: Browser) -> None:
    with opened(browser, house.url) as another:
        text = house.new_token("viewer")
        name = text.split("_")[1]
        sign_in(another, house.url, text)
        page.goto(f"{house.url}/access")
        with pressing(page, "sessions:end", "tokens:revoke"):
            session = page.get_by_role("region", name="Sessions").get_by_role("row").filter(has_text=name)
            act(page, session.get_by_role("button", name="End"), "left open", "is signed out there")
            row = page.get_by_role("region", name="Tokens").get_by_role("row").filter(has_text=name)
            act(page, row.get_by_role("button", name="Revoke"), "no longer used", "is turned away at every gateway")
        expect(row).to_contain_text("revoked")
        another.goto(f"{house.url}/models")
        expect(another.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_version_lives_its_whole_life_by_buttons(page: Page, house: LivedIn, tmp_path: Path) -> None:
    house.register(4, tmp_path, reason="trained in week 4")
    page.goto(f"{house.url}/models/churn/4")
    button = page.get_by_role("button")
    with pressing(
        page,
        "versions:approve",
        "versions:deploy",
        "versions:decommission",
        "versions:archive",
        "versions:run",
        "versions:restore",
    ):
        act(page, button.filter(has_text="Approve"), "looked at", "churn/4 may then be deployed")
        act(page, button.filter(has_text="Deploy"), "to compare", "ready before anything changes", patience=LONG)
        dialog = asked(
            page, button.filter(has_text="Decommission"), "No application depends on it", **{"Type churn/4": "churn/4"}
        )
        done(dialog, "no better")
        act(page, button.filter(has_text="Archive"), "its time is over", "a second copy is written", patience=LONG)
        page.get_by_role("tab", name="Run").click()
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_role("region", name="Outputs")).to_contain_text("score", timeout=LONG)
        page.get_by_role("tab", name="Life").click()
        refused = asked(
            page, button.filter(has_text="Destroy"), "another person’s destroys", **{"Type churn/4": "churn/4"}
        )
        refused.get_by_label("Reason").fill("nobody needs it")
        refused.locator("button[type=submit]").click()
        expect(refused.get_by_role("alert")).to_contain_text("churn/4 is kept until")
        expect(refused.get_by_role("alert")).to_contain_text("Next step:")
        page.keyboard.press("Escape")
        act(page, button.filter(has_text="Restore"), "wanted again", "can be deployed again", patience=LONG)
    expect(page.locator(".heading")).to_contain_text("decommissioned")


def done(dialog: Locator, reason: str) -> None:
    """Give the reason and do it."""
    dialog.get_by_label("Reason").fill(reason)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden(timeout=LONG)


def test_what_an_admin_needs_at_night_is_under_system(page: Page, house: LivedIn, tmp_path: Path) -> None:
    page.goto(f"{house.url}/system")
    button = page.get_by_role("button")
    with pressing(page, "verify", "drill", "backup", "repair", "gc", "restart"):
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_text("intact", exact=True)).to_be_visible(timeout=LONG)
        page.get_by_role("button", name="Prove restores").click()
        expect(page.get_by_text("passed").first).to_be_visible(timeout=LONG)
        act(
            page,
            button.filter(has_text="Back up"),
            "every night",
            "Everything is copied",
            patience=LONG,
            New_folder=str(tmp_path / "copy"),
        )
        expect(page.get_by_text(f"tenure up --from {tmp_path / 'copy'}")).to_be_visible()
        act(page, button.filter(has_text="Repair"), "to be sure", "healed from their other copy", patience=LONG)
        sweep = asked(page, button.filter(has_text="Sweep"), "that nobody touched for an hour")
        sweep.get_by_role("button", name="What would go?").click()
        expect(sweep.get_by_text(re.compile(r"\d+ files?, "))).to_be_visible(timeout=LONG)
        done(sweep, "to make room")
        act(page, button.filter(has_text="Restart gateways"), "to see it", "no request is lost", patience=LONG)
    assert (tmp_path / "copy").is_dir()


def test_holds_and_webhooks_come_and_go_and_a_button_copied_as_curl_does_the_same(page: Page, house: LivedIn) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{house.url}/system")
    with pressing(page, "holds:add", "holds:release", "webhooks:set", "webhooks:remove"):
        dialog = asked(
            page, page.get_by_role("button", name="Place a hold"), "by anybody, until it is released", What="churn/3"
        )
        dialog.get_by_label("Reason").fill("asked for by the court")
        dialog.get_by_role("button", name="copy curl").click()
        told = subprocess.run(
            ["bash", "-c", page.evaluate("navigator.clipboard.readText()")],
            env=os.environ | {"TENURE_TOKEN": house.token},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(told.stdout)["reason"] == "asked for by the court"
        dialog.locator("button[type=submit]").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Next step:")
        page.keyboard.press("Escape")
        row = row_of(page, "asked for by the court")
        act(
            page,
            row.get_by_role("button", name="Release"),
            "the case is closed",
            "may be destroyed, erased and expire again",
        )
        expect(row).to_be_hidden()
        act(
            page,
            page.get_by_role("button", name="Place a hold"),
            "she complained",
            What="churn-offers",
            Only_this_person="c7",
        )
        act(
            page,
            page.get_by_role("button", name="Release one on a person"),
            "settled",
            "that person alone",
            What="churn-offers",
            Only_this_person="c7",
        )
        act(
            page,
            page.get_by_role("button", name="New webhook"),
            "the desk",
            "leave the machine",
            Name="desk",
            Address="http://127.0.0.1:9/alerts",
            Variable="DESK_SECRET",
        )
        hook = row_of(page, "http://127.0.0.1:9/alerts")
        act(page, hook.get_by_role("button", name="Change"), "another room", Address="http://127.0.0.1:10/alerts")
        act(
            page,
            row_of(page, "http://127.0.0.1:10/alerts").get_by_role("button", name="Remove"),
            "nobody listens",
            "is told of no alert any more",
        )
    expect(page.get_by_text("Nobody: alerts stand on their page")).to_be_visible()


def test_a_project_says_what_it_is_for(page: Page, house: LivedIn) -> None:
    page.goto(house.url)
    with pressing(page, "projects:set"):
        act(
            page,
            page.get_by_role("button", name="State it"),
            "agreed",
            "everybody’s overview",
            Goal="every parcel on the day it was promised",
        )
    expect(page.get_by_text("every parcel on the day it was promised")).to_be_visible()


@pytest.fixture
def four_eyes(house: LivedIn) -> Iterator[None]:
    """The policy under which a second person confirms; the house has its own again afterwards."""
    house.client.call("policy:set", policy="four-eyes", reason="a story")
    yield
    house.client.call("policy:set", policy="open", reason="the story is over")


def test_a_review_is_answered_and_an_override_waits_for_a_second_person(
    page: Page, house: LivedIn, four_eyes: None
) -> None:
    page.goto(f"{house.url}/access")
    expect(page.get_by_text("nobody approves the own work")).to_be_visible()
    page.goto(f"{house.url}/reviews")
    said, steps = "The answer in force is", page.locator(".timeline")
    with pressing(page, "decisions:resolve"):
        page.get_by_role("region", name="Reviews").get_by_role("link").first.click()
        act(
            page,
            page.get_by_role("button", name="Review"),
            "a good customer",
            said,
            Answer='{"offer": "call"}',
            Code="C1",
        )
    expect(steps).to_contain_text("Resolved by a person")
    made = house.decide("churn-offers", customer_id="c8", monthly_fee=10.0, channel="app")
    page.goto(made["url"])
    act(page, page.get_by_role("button", name="Override"), "she called", said, Answer='{"offer": "gift"}', Code="C2")
    expect(steps).to_contain_text("Proposed by a person")
    page.context.clear_cookies()
    sign_in(page, house.url, house.new_token("admin"))
    page.goto(made["url"])
    act(page, page.get_by_role("button", name="Confirm override"), "I agree", "comes into force")
    expect(steps).to_contain_text("Resolved by a person")
    expect(page.locator(".heading")).to_contain_text("person")
