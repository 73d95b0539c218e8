"""Every button is pressed once: it says whom it affects, asks why, can be copied, and does what it says."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tenure.serving import announce
from tests.console.conftest import act, asked, opened, pressing, sign_in
from tests.console.lived_in import LivedIn

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "console" / "src" / "screens"
LONG = 120_000
#: pressed and refused: a version is kept for years
REFUSED = {"versions:destroy"}


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
    assert buttons - pressed == REFUSED


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


def test_an_account_that_somebody_else_changed_meanwhile_is_not_overwritten_unseen(page: Page, house: LivedIn) -> None:
    house.client.call("users:create", user="bea", role="viewer", reason="she joined")
    page.goto(f"{house.url}/access")
    row = row_of(page, "bea")
    dialog = asked(page, row.get_by_role("button", name="Change"), "What bea may do changes")
    house.client.call("users:change", user="bea", role="auditor", reason="she audits now")
    dialog.get_by_label("Reason").fill("nothing new")
    dialog.locator("button[type=submit]").click()
    told = dialog.get_by_role("alert")
    expect(told).to_contain_text("Somebody changed it while you looked")
    expect(told).to_contain_text("she audits now")
    expect(told.locator(".diff")).to_contain_text("auditor")
    expect(dialog.get_by_label("Reason")).to_have_value("nothing new")
    assert house.client.call("users:show", user="bea")["role"] == "auditor", "nothing was done yet"
    told.get_by_role("button", name="go on with mine").click()
    expect(told).to_be_hidden()
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("viewer")


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


def pids(house: LivedIn) -> dict[str, int]:
    """Return the process id of control and of every gateway, by name."""
    serving = announce.status(house.home.supervisor_socket)
    return {"control": serving["control"]["pid"]} | {name: one["pid"] for name, one in serving["gateways"].items()}


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
        before = pids(house)
        act(page, button.filter(has_text="Restart all"), "an upgrade", "control and every gateway", patience=LONG)
        rows = page.get_by_role("region", name="Processes").get_by_role("row")
        for name, pid in before.items():
            row = rows.filter(has_text=re.compile(f"^{name}"))
            expect(row).to_contain_text("ready", timeout=LONG)
            expect(row.get_by_role("cell").nth(2)).not_to_have_text(str(pid), timeout=LONG)
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
    expect(row_of(page, "http://127.0.0.1:10/alerts")).to_be_hidden()


def test_a_notice_that_nobody_took_is_sent_again_and_an_alert_is_seen_to_where_it_stands(
    page: Page, house: LivedIn
) -> None:
    page.goto(f"{house.url}/system")
    notice = page.get_by_role("region", name="Notices on their way").get_by_role("row").filter(has_text="night").first
    expect(notice).to_contain_text("alert.opened")
    with pressing(page, "webhooks:retry"):
        act(page, notice.get_by_role("button", name="Try again"), "somebody listens now", "night is told at once")
    expect(page.get_by_text("somebody listens now")).to_be_hidden()
    tried = house.client.call("audit:log", action="webhooks:retry")
    assert [one["reason"] for one in tried] == ["somebody listens now"]
    page.goto(f"{house.url}/alerts?status=open")
    row = row_of(page, "monthly_fee").first
    with pressing(page, "alerts:ack", "alerts:silence"):
        act(page, row.get_by_role("button", name="Silence"), "fees rose", "No webhook is told")
        expect(row).to_contain_text("silent until")
        act(page, row.get_by_role("button", name="Acknowledge"), "fees rose for all", "It is marked as seen")
    page.goto(f"{house.url}/alerts?status=acknowledged")
    expect(row_of(page, "fees rose for all").first).to_be_visible()
    page.goto(f"{house.url}/system")
    with pressing(page, "webhooks:remove"):
        hook = page.get_by_role("region", name="Webhooks").get_by_role("row").filter(has_text="night")
        act(page, hook.get_by_role("button", name="Remove"), "the night is over", "what waits for it goes too")
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


def test_the_policy_is_set_by_a_button(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/access")
    with pressing(page, "policy:set"):
        act(page, page.get_by_role("button", name="Make it four-eyes"), "agreed", "nobody approves the own work")
        act(page, page.get_by_role("button", name="Make it open"), "taken back", "one person is enough")
    expect(page.get_by_role("button", name="Make it four-eyes")).to_be_visible()


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
    waiting = page.get_by_role("region", name="Reviews").get_by_role("row").nth(1)
    waiting.get_by_role("button", name="Who?").click()
    expect(waiting).to_contain_text(re.compile(r"customer_id c\d+"))
    assert house.client.call("audit:log", action="decisions:personal", limit=1), "that somebody asked is written down"
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
