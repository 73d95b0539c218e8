"""Somebody changes how requests are answered, sees what that does, and takes it back."""

from playwright.sync_api import Page, expect

from tests.console.conftest import act, pressing, sign_in
from tests.console.lived_in import LivedIn

LONG = 120_000


def test_a_rule_is_changed_back_tested_published_and_rolled_back(page: Page, house: LivedIn) -> None:
    house.client.call(
        "features:ingest",
        view="customer_activity",
        rows=[{"customer_id": "c900", "n_orders": 15, "days_since_order": 3, "complaints": 0}],
        reason="a story",
    )

    def offered() -> str:
        made = house.decide("churn-offers", customer_id="c900", monthly_fee=10.0, channel="app")
        return str(made["answer"]["offer"])

    assert offered() == "none"
    page.goto(f"{house.url}/applications/churn-offers?tab=rules")
    condition = page.get_by_role("textbox", name="Condition of newcomer")
    condition.fill("n_orders < twenty")
    expect(page.get_by_role("list", name="Faults")).to_contain_text("twenty", timeout=LONG)
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    condition.fill("n_orders < 20")
    with pressing(page, "rules:test", "rules:backtest", "applications:apply", "applications:rollback"):
        page.get_by_role("button", name="Run tests").click()
        expect(page.get_by_text("2 of 2 tests pass")).to_be_visible(timeout=LONG)
        page.get_by_role("button", name="Back-test on the log").click()
        expect(page.get_by_text("decisions would come out otherwise")).to_be_visible(timeout=LONG)
        publish = page.get_by_role("button", name="Publish")
        act(page, publish, "twenty orders say more than ten", "logged decisions", patience=LONG)
        assert offered() == "welcome", "the next answer is the new revision's"
        back = page.get_by_role("button", name="Roll back")
        act(page, back, "too many were welcomed", "instead of", patience=LONG)
    assert offered() == "none"


def test_a_challenger_is_promoted_and_taken_back(page: Page, house: LivedIn) -> None:
    house.client.call("versions:deploy", model="churn", version="3", reason="a better one")
    page.goto(f"{house.url}/models/churn/3")
    with pressing(page, "versions:promote", "models:rollback"):
        for action, champion in (("Promote", 3), ("Roll back", 2)):
            button = page.get_by_role("button", name=action)
            act(page, button, f"to see it: {action}", "churn-offers", patience=LONG)
            made = house.decide("churn-offers", customer_id="c7", monthly_fee=10.0, channel="app")
            assert made["model"]["version"] == champion


def test_a_version_that_is_used_is_not_decommissioned_and_the_refusal_says_by_whom(page: Page, house: LivedIn) -> None:
    page.goto(f"{house.url}/models/churn/2")
    page.get_by_role("button", name="Decommission").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is in use: churn-offers")
    dialog.get_by_label("Reason").fill("to be rid of it")
    dialog.get_by_label("Type churn/2").fill("churn/2")
    dialog.get_by_role("button", name="Decommission").click()
    expect(dialog.get_by_role("alert")).to_contain_text("churn-offers")


def test_a_viewer_sees_no_button_that_would_be_refused(page: Page, house: LivedIn) -> None:
    page.context.clear_cookies()
    sign_in(page, house.url, house.new_token("viewer"))
    page.goto(f"{house.url}/models/churn/2")
    expect(page.get_by_role("heading", name="churn/2")).to_be_visible()
    expect(page.get_by_role("heading", name="Who did what, and why")).to_be_visible()
    for action in ("Promote", "Roll back", "Decommission", "Deploy", "Archive"):
        expect(page.get_by_role("button", name=action)).to_have_count(0)
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)


def test_everything_is_reached_by_keyboard_alone(page: Page, house: LivedIn) -> None:
    page.goto(house.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("churn/3")
    expect(page.get_by_role("option").filter(has_text="version").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="churn/3")).to_be_visible()
    page.get_by_role("tab", name="Life").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="What came in, against the reference")).to_be_visible(timeout=LONG)
    page.keyboard.press("Control+k")
    page.keyboard.type("c7")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").filter(has_text="search by entity")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("access")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    with pressing(page, "tokens:create"):
        tab_to(page, "New token")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
        page.keyboard.type("by keyboard alone")
        page.keyboard.press("Enter")
        expect(page.get_by_text("The token is shown this once")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of this name has the focus."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    for _ in range(80):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"no way leads to {name} by Tab")
