"""A home in which nothing was done yet, under a path of its own: every screen says what comes first."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.console.conftest import act, opened, sign_in
from tests.console.lived_in import running

SCREENS = (
    *("Overview", "Applications", "Models", "Decisions", "Reviews", "Playground"),
    *("Features", "Alerts", "Audit log", "Access", "System"),
)


def test_an_empty_home_under_a_prefix_shows_its_screens_and_does_what_is_asked(
    browser: Browser, console: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("empty"), "/ml/tenure") as home, opened(browser, home.url) as page:
        sign_in(page, home.url, home.token)
        page.goto(f"{home.url}/decisions")
        for screen in SCREENS:
            page.get_by_role("navigation", name="Screens").get_by_role("link", name=screen, exact=True).click()
            expect(page.locator("h1")).to_have_text(screen)
            expect(page.locator(".waiting")).to_have_count(0)
            expect(page.get_by_role("alert")).to_have_count(0)
        page.get_by_role("navigation", name="Screens").get_by_role("link", name="Access").click()
        expect(page).to_have_url(re.compile("/ml/tenure/access$"))
        button = page.get_by_role("button", name="New token")
        act(page, button, "for the shop", "Whoever has the token", "copy command")
        expect(page.get_by_text("The token is shown this once")).to_be_visible()
        page.reload()
        expect(page.get_by_role("row").filter(has_text="caller")).to_be_visible()
