"""Every screen of the console in light and dark: opened, judged by axe, and where it is wanted taken a picture of."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
#: what axe finds serious or worse, by screen and scheme
Faults = dict[str, list[str]]
#: what is halfway between two schemes can be read in neither
COLOURS_CHANGED = "Promise.allSettled(document.getAnimations().map(one => one.finished)).then(() => null)"
#: a picture is for everybody: where it was taken is left out of it
WITHOUT_PLACE = """place => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { currentNode } = texts;
    if (currentNode.data.includes(place)) currentNode.data = currentNode.data.replaceAll(place, "");
  }
}"""
#: the rules of axe that colours can break
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: what is longer is cut off: a picture is looked at whole
HIGHEST = 1300
PATIENCE = 180_000


def look(page: Page, url: str, screens: Mapping[str, tuple[str, str]], pictures: Path | None = None) -> Faults:
    """Open every screen (its path, a heading that it shows), and return what axe finds serious in either scheme."""
    found: Faults = {}
    for name, (path, heading) in screens.items():
        page.goto(url + path)
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible(timeout=PATIENCE)
        expect(page.locator(".waiting")).to_have_count(0, timeout=PATIENCE)
        # What stands already may still lack its figures and its checks.
        expect(page.locator("main[data-asking=false]")).to_be_attached(timeout=PATIENCE)
        expect(page.get_by_role("alert").filter(has_text="Next step")).to_have_count(0)
        # Told by the browser itself: the page's policy would rightly refuse it as a script.
        page.evaluate(AXE.read_text())
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            expect(page.locator(f":root[data-mantine-color-scheme={scheme}]")).to_be_attached()
            page.evaluate(COLOURS_CHANGED)
            if pictures is not None:
                take_picture(page, pictures / f"{name}-{scheme}.png")
            # Two schemes differ by their colours alone, so the rest is judged once.
            if faults := serious(page, [] if scheme == SCHEMES[0] else COLOUR_RULES):
                found[f"{name} {scheme}"] = faults
    return found


def take_picture(page: Page, file: Path) -> None:
    """Write the whole page, in few colours where pngquant is there."""
    page.evaluate(WITHOUT_PLACE, f"{ROOT}/")
    size: dict[str, Any] = page.evaluate("({width: innerWidth, height: document.documentElement.scrollHeight})")
    clip = {"x": 0.0, "y": 0.0, "width": float(size["width"]), "height": float(min(size["height"], HIGHEST))}
    page.screenshot(path=file, full_page=True, scale="css", clip=clip)  # type: ignore[arg-type]
    if pngquant := shutil.which("pngquant"):
        subprocess.run([pngquant, "--force", "--strip", "--output", file, "64", "--", file], check=True)


def serious(page: Page, rules: list[str]) -> list[str]:
    """Return what axe finds serious or worse, each with where it is; `rules` are all where none is named."""
    results = page.evaluate(
        "rules => axe.run(document, {resultTypes: ['violations'], ...(rules.length ? {runOnly: rules} : {})})", rules
    )
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])} places)"
        for one in results["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
