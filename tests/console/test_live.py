"""A page that is looked at is told what changed; one that is not holds no line."""

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
