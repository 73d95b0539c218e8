"""A page that is looked at is told what changed; one that is not holds no line."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.console.lived_in import LivedIn


def test_a_page_is_told_of_a_change_and_shows_it(page: Page, house: LivedIn) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/changes")) as stream:
        page.goto(f"{house.url}/audit")
    assert stream.value.status == 200
    assert stream.value.headers["content-type"].startswith("text/event-stream")
    expect(page.get_by_role("heading", level=3).first).to_be_visible()
    made = house.new_token("viewer").split("_")[1]
    expect(page.get_by_role("heading", name=f"create token {made}")).to_be_visible()


def test_reading_what_is_personal_is_written_down_once_for_each_who_looks(page: Page, house: LivedIn) -> None:
    made = house.decide("churn-offers", customer_id="c7", monthly_fee=50.0, channel="app")
    path = f"/api/v1/decisions/{made['decision_id']}"
    explained = f"{path}/explanation"
    asked: list[str] = []
    page.on("request", lambda one: asked.append(urlsplit(one.url).path))
    page.goto(f"{house.url}/decisions/{made['decision_id']}")
    expect(page.locator(".timeline")).to_contain_text("c7")
    # That somebody read it was a change of the home like any other, and a page asks again after every change.
    with page.expect_response(lambda answer: answer.url.endswith(f"{path}/why")):
        house.new_token("viewer")
    assert asked.count(path) == 1
    assert asked.count(explained) == 1, "what is computed by a process is not computed again at every change"
