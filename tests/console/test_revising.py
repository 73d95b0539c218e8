"""A revision from its draft to its trial, a table's cells, and a control that does not answer."""

import os
import signal

from playwright.sync_api import Locator, Page, expect

from tenure.serving import announce
from tests.console.lived_in import LivedIn


def act(page: Page, button: Locator, reason: str, *said: str) -> None:
    """Do what a button is for: the dialog says whom it affects, asks for the reason and closes when it is done."""
    button.click()
    dialog = page.get_by_role("dialog")
    for each in said:
        expect(dialog).to_contain_text(each)
    dialog.get_by_label("Reason").fill(reason)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()


def test_a_draft_is_approved_by_what_it_would_change_and_watched_on_trial(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/applications/churn-offers?tab=revisions")
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

    row.get_by_role("button", name="Activate").click()
    dialog.get_by_label("Put it").first.click()
    dialog.get_by_role("option", name="watches every request").click()
    expect(dialog).to_contain_text("nobody sees its answers but you")
    dialog.get_by_label("Reason").fill("to see it live")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="On trial: churn-offers/2")).to_be_visible()
    house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="app")
    expect(page.get_by_text("of 1 watched requests would be answered otherwise")).to_be_visible()
    act(page, page.get_by_role("button", name="End trial"), "seen enough", "what is in force stays")
    expect(page.get_by_role("heading", name="On trial: churn-offers/2")).to_be_hidden()


def test_a_cell_says_its_type_and_what_is_wrong_with_it(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/applications/shipping?tab=rules")
    expect(page.get_by_role("columnheader", name="zone near, far")).to_be_visible()
    expect(page.get_by_role("columnheader", name="weight float")).to_be_visible()
    cell = page.get_by_role("textbox", name="price, row 1, weight")
    cell.fill("< two")
    expect(cell).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    cell.fill("< 2")
    expect(cell).to_have_attribute("aria-invalid", "false")
    page.get_by_role("textbox", name="price, row 1, answer.price").fill("4")
    expect(page.get_by_text("What publishing would change")).to_be_visible()
    page.get_by_role("button", name="Drop the draft").click()
    expect(page.get_by_role("textbox", name="price, row 1, answer.price")).to_have_value("3")


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
