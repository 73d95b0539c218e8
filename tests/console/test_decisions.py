"""Somebody asks why a customer got no offer: find the decision, explain it, see that it comes out the same again."""

import re

from playwright.sync_api import Page, expect

from tests.console.conftest import pressing
from tests.console.lived_in import LivedIn


def test_the_decision_of_a_customer_is_found_by_the_customer_and_explained(page: Page, house: LivedIn) -> None:
    made = house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="phone")
    page.goto(f"{house.url}/decisions")
    page.get_by_label("About whom or what").fill("c7")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("entity=c7"))
    page.get_by_role("link", name=made["decision_id"]).click()

    expect(page.get_by_role("heading", name=made["decision_id"])).to_be_visible()
    steps = page.locator(".timeline")
    expect(steps).to_contain_text("c7")
    expect(steps).to_contain_text("n_orders < 10")
    expect(steps).to_contain_text("churn/2")
    expect(steps).to_contain_text(f"offer: {made['answer']['offer']}")
    expect(page.get_by_role("img", name="Contributions to score")).to_be_visible(timeout=60_000)

    with pressing(page, "replay"):
        page.get_by_role("button", name="Replay").click()
        expect(page.get_by_text("bit for bit")).to_be_visible(timeout=60_000)


def test_a_long_list_is_read_a_page_at_a_time_and_every_page_has_its_address(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/decisions")
    rows = page.get_by_role("region", name="Decisions").get_by_role("row")
    newest = rows.nth(1).get_by_role("link").first.inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(page).to_have_url(re.compile("after="))
    expect(rows.nth(1)).not_to_contain_text(newest)
    page.reload()
    expect(rows.nth(1)).not_to_contain_text(newest)
    page.get_by_role("button", name="First page").click()
    expect(page).not_to_have_url(re.compile("after="))


def test_a_change_is_tried_on_one_decision_and_the_draft_outlives_the_page(page: Page, house: LivedIn) -> None:
    made = house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="app")
    page.goto(f"{house.url}/decisions/{made['decision_id']}")
    editor = page.get_by_role("textbox", name="application.yaml")
    changed = editor.input_value().replace("n_orders < 10", "n_orders < 25")
    editor.fill(changed)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("offer: welcome (newcomer)")).to_be_visible()
    page.reload()
    expect(editor).to_have_value(changed)
    page.get_by_role("button", name="Drop the draft").click()
    expect(editor).not_to_have_value(changed)


def test_a_dossier_is_downloaded(page: Page, house: LivedIn) -> None:
    made = house.decide("churn-offers", customer_id="c8", monthly_fee=50.0, channel="app")
    page.goto(f"{house.url}/decisions/{made['decision_id']}")
    with pressing(page, "decisions:dossier"), page.expect_download() as download:
        page.get_by_role("button", name="Download dossier").click()
    assert made["decision_id"] in download.value.path().read_text()
