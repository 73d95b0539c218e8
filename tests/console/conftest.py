"""One home that people have worked in, and one browser, for all stories."""

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, StorageState, expect, sync_playwright

from tenure.app.actions import ACTIONS
from tenure.entrypoints.api.console import built_console
from tests.console.lived_in import LivedIn, lived_in

#: the machine is shared: what takes a moment alone may take long
PATIENCE = 90_000
expect.set_options(timeout=PATIENCE)
_PLACE = re.compile(r"\{\w+\}")


@pytest.fixture(scope="package")
def console() -> Path:
    built = built_console()
    if built is None:
        pytest.skip("the console is not built: `make console` says what it needs")
    return built


@pytest.fixture(scope="package")
def house(console: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedIn]:
    with lived_in(tmp_path_factory.mktemp("lived-in")) as made:
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: apt-get install chromium (`make programs`)"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def session(browser: Browser, house: LivedIn) -> StorageState:
    """What a browser keeps of an admin who signed in: once for all stories of a module."""
    with opened(browser, house.url) as page:
        sign_in(page, house.url, house.token)
        return page.context.storage_state()


@pytest.fixture
def page(browser: Browser, house: LivedIn, session: StorageState) -> Iterator[Page]:
    """An admin's page, signed in."""
    with opened(browser, house.url, session) as page:
        yield page


@contextlib.contextmanager
def opened(browser: Browser, url: str, session: StorageState | None = None) -> Iterator[Page]:
    """Give an empty page. Whatever leaves the machine, and whatever the page complains of, fails the test."""
    context = browser.new_context(
        viewport={"width": 1360, "height": 900}, reduced_motion="reduce", locale="en-GB", storage_state=session
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.extend(_complaint(said)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.extend(_elsewhere(asked.url, url)))
    yield page
    context.close()
    assert not complaints, complaints


def sign_in(page: Page, url: str, token: str) -> None:
    """Come in by a token."""
    page.goto(url)
    page.get_by_text("Token", exact=True).click()
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Screens").wait_for()


def act(page: Page, button: Locator, reason: str, *said: str, patience: int = PATIENCE, **fields: str) -> None:
    """Do what a button is for: the dialog says whom it affects, asks for the reason and closes when it is done."""
    dialog = asked(page, button, *said, **fields)
    dialog.get_by_label("Reason").fill(reason)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_be_hidden(timeout=patience)


def asked(page: Page, button: Locator, *said: str, **fields: str) -> Locator:
    """Press a button and return its dialog, with these fields filled in: it says whom it affects, and can be copied."""
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".affects")).to_have_text(re.compile(r"\w+ \w+"))
    expect(dialog.get_by_role("button", name="copy command")).to_be_visible()
    expect(dialog.get_by_role("button", name="copy curl")).to_be_visible()
    expect(dialog.locator("button[type=submit]")).to_be_disabled()
    for each in said:
        expect(dialog).to_contain_text(each)
    for label, text in fields.items():
        dialog.get_by_label(label.replace("_", " "), exact=False).first.fill(text)
    return dialog


@contextlib.contextmanager
def pressing(page: Page, *actions: str) -> Iterator[None]:
    """Fail unless the page asks the API for each of these actions, and gets it (test_buttons.py compares with the sources)."""
    gotten: set[str] = set()
    page.on("response", lambda answer: gotten.update(_action(answer.request.method, answer.url) if answer.ok else ()))
    yield
    until = time.monotonic() + PATIENCE / 1000
    while not set(actions) <= gotten and time.monotonic() < until:
        # What the browser has to tell is heard while it is waited for.
        page.wait_for_timeout(20)
    assert set(actions) <= gotten


def _action(verb: str, url: str) -> list[str]:
    path = urlsplit(url).path
    return [one.name for one in ACTIONS if one.verb == verb and re.fullmatch(_PLACE.sub("[^/]+", one.path), path)]


def _complaint(said: ConsoleMessage) -> list[str]:
    # A browser complains of every refusal, of the 401 that asks who one is to begin with.
    is_refusal = said.text.startswith("Failed to load resource")
    return [said.text] if said.type in {"error", "warning"} and not is_refusal else []


def _elsewhere(asked: str, here: str) -> list[str]:
    return [] if asked.startswith((here, "data:", "blob:")) else [asked]
