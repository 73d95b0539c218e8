"""A revision from its draft to its trial, a table's cells, and a control that does not answer."""

import os
import signal

from playwright.sync_api import Locator, Page, Route, expect

from tenure.kit.clock import DAY, SystemClock, iso
from tenure.serving import announce
from tests.console.conftest import act, pressing
from tests.console.lived_in import SHIPPING, LivedIn


def test_a_draft_is_approved_by_what_it_would_change_and_watched_on_trial(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/applications/churn-offers?tab=revisions")
    with pressing(page, "applications:approve", "applications:activate", "applications:end"):
        row = page.get_by_role("row").filter(has_text="fewer discounts, to be looked at")
        row.get_by_role("button", name="Approve").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("rules.save.when")
        expect(dialog).to_contain_text("It was not back-tested.")
        dialog.get_by_role("button", name="Back-test on the log").click()
        expect(dialog).to_contain_text("decisions would come out otherwise")
        dialog.get_by_label("Reason").fill("seen, and right")
        dialog.locator("button[type=submit]").click()
        expect(dialog).to_be_hidden()
        expect(row).to_contain_text("approved")

        put(page, row, "watches every request", "nobody sees its answers but you")
        expect(page.get_by_role("heading", name="On trial: churn-offers/2")).to_be_visible()
        house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="app")
        expect(page.get_by_text("of 1 watched requests would be answered otherwise")).to_be_visible()
        end = page.get_by_role("button", name="End trial")
        act(page, end, "seen enough", "what is in force stays")
        expect(page.get_by_role("heading", name="On trial: churn-offers/2")).to_be_hidden()

        put(page, row, "answers a share", "10 of 100 entities of churn-offers")
        expect(row).to_contain_text("answers 10 %")
        act(page, end, "seen enough")
        tomorrow = iso(SystemClock().now() + DAY)
        put(page, row, "from a time on", "From now on", starts=tomorrow[:16])
        expect(row).to_contain_text("waiting: from")
        act(page, end, "another day")
        expect(row).not_to_contain_text("waiting: from")


def put(page: Page, row: Locator, where: str, said: str, starts: str = "") -> None:
    """Put a revision where a person would choose it to be put."""
    row.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Put it").first.click()
    dialog.get_by_role("option", name=where).click()
    expect(dialog).to_contain_text(said)
    if starts:
        dialog.get_by_label("From").fill(starts)
    dialog.get_by_label("Reason").fill(f"to see it: {where}")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()


def test_a_cell_says_its_type_and_what_is_wrong_with_it(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/applications/shipping?tab=rules")
    expect(page.get_by_role("columnheader", name="zone near, far")).to_be_visible()
    expect(page.get_by_role("columnheader", name="weight number")).to_be_visible()
    cell = page.get_by_role("textbox", name="price, row 1, weight")
    cell.fill("< two")
    expect(cell).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    cell.fill("< 2")
    expect(cell).to_have_attribute("aria-invalid", "false")
    page.get_by_role("textbox", name="price, row 1, answer.price").fill("4")
    expect(page.get_by_text("What publishing would change")).to_be_visible()
    page.get_by_role("button", name="Add a row").click()
    expect(page.get_by_role("textbox", name="price, row 5, zone")).to_have_value("-")
    page.get_by_role("button", name="remove row 5 of price").click()
    expect(page.get_by_role("textbox", name="price, row 5, zone")).to_have_count(0)
    page.get_by_role("button", name="Drop the draft").click()
    expect(page.get_by_role("textbox", name="price, row 1, answer.price")).to_have_value("3")


def test_a_draft_that_somebody_overtook_is_kept_and_says_who_changed_what(page: Page, house: LivedIn) -> None:
    began = house.client.call("applications:show", application="shipping")["revision"]
    page.goto(f"{house.url}/applications/shipping?tab=rules")
    cell = page.get_by_role("textbox", name="price, row 1, answer.price")
    cell.fill("4")
    expect(page.get_by_text("What publishing would change")).to_be_visible()
    dearer = SHIPPING.replace('[far, "< 2", 6, R01]', '[far, "< 2", 7, R01]')
    house.client.call("applications:apply", text=dearer, reason="diesel rose")
    told = page.get_by_role("alert").filter(has_text=f"The draft began on revision {began}")
    expect(told).to_contain_text("diesel rose")
    expect(told.locator(".diff")).to_contain_text("7")
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    expect(cell).to_have_value("4")
    told.get_by_role("button", name="go on with my draft").click()
    expect(told).to_be_hidden()
    expect(cell).to_have_value("4")
    expect(page.get_by_role("button", name="Publish")).to_be_enabled()
    page.get_by_role("button", name="Drop the draft").click()
    expect(page.get_by_role("textbox", name="price, row 3, answer.price")).to_have_value("7")
    house.client.call("applications:rollback", application="shipping", to=began, reason="the story is over")


def test_a_long_back_test_shows_how_far_it_is(page: Page, house: LivedIn) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/rules/backtest", hold)
    page.route("**/api/v1/status", lambda route: far(route, done=1_200, total=4_000))
    page.goto(f"{house.url}/applications/churn-offers?tab=rules")
    page.get_by_role("button", name="Back-test on the log").click()
    expect(page.get_by_text("1,200 of 4,000 decisions")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_text("decisions would come out otherwise")).to_be_visible()
    expect(page.get_by_text("1,200 of 4,000 decisions")).to_be_hidden()


def far(route: Route, done: int, total: int) -> None:
    """Answer as control does, and as if a back-test were so far: the house has too few decisions for a long one."""
    answer = route.fetch()
    work = {"action": "rules:backtest", "target": "churn-offers", "done": done, "total": total}
    route.fulfill(response=answer, json=answer.json() | {"working": [work]})


def test_while_control_hangs_the_page_says_that_it_is_old_and_keeps_the_draft(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/applications/shipping?tab=rules")
    cell = page.get_by_role("textbox", name="price, row 1, weight")
    expect(cell).to_have_value("< 2")
    control = announce.status(house.home.supervisor_socket)["control"]["pid"]
    os.kill(control, signal.SIGSTOP)
    try:
        cell.fill("< 1")
        banner = page.get_by_role("status").filter(has_text="This page may be out of date")
        expect(banner).to_be_visible()
        expect(banner).to_contain_text("drafts on this page are kept")
    finally:
        os.kill(control, signal.SIGCONT)
    expect(banner).to_be_hidden()
    page.reload()
    expect(cell).to_have_value("< 1")
    page.get_by_role("button", name="Drop the draft").click()
