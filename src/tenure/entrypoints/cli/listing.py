"""What every command that lists something has: --limit, --cursor and --all, and to say that a list was cut."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenure.kit.cursors import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenure.entrypoints.cli.caller import Caller
    from tenure.entrypoints.cli.screen import Screen

#: rows that are asked for at once when all are wanted
_AT_ONCE = 1000

Limit = Annotated[int | None, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]
Cursor = Annotated[
    str | None,
    typer.Option("--cursor", help="Go on where a list was cut; with --json the answer then has rows and next_cursor."),
]
Named = Annotated[str, typer.Option("--name", help="Whose name contains this.")]
All = Annotated[bool, typer.Option("--all", help="Every page.")]


@dataclass(frozen=True, slots=True)
class Pages:
    """Which pages of a list a command was asked for: those from `cursor` on, `limit` rows, or all of them.

    Without a word on it the whole list is meant, or `usual` rows where a list has no end.
    """

    limit: int | None
    cursor: str | None
    everything: bool
    usual: int | None = None

    def of(self, tenure: Caller, action: str, /, **given: Any) -> Page:
        """Return the rows that were asked for, with the cursor of the next page where more are left."""
        limit = self.limit or self.usual
        whole = self.everything or (limit is None and self.cursor is None)
        asked = {**given, "limit": self.limit or _AT_ONCE if whole else limit}
        page = tenure.page(action, **asked, cursor=self.cursor or None)
        rows = list(page.rows)
        while whole and page.next_cursor:
            page = tenure.page(action, **asked, cursor=page.next_cursor)
            rows += page.rows
        return Page(rows, page.next_cursor)

    def show(
        self,
        screen: Screen,
        page: Page,
        columns: Sequence[str],
        empty: str,
        rows: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Show a page under its columns, and say on standard error how to go on where it was cut.

        `rows` are those that a person sees, where they are not those that a program gets.
        """
        found = page.rows if self.cursor is None else {"rows": page.rows, "next_cursor": page.next_cursor or None}
        screen.table(found, page.rows if rows is None else rows, columns, empty)
        self.tell(screen, page)

    def tell(self, screen: Screen, page: Page) -> None:
        """Say on standard error that there is more, and where: to a program that cannot see it in the answer, as JSON."""
        if not page.next_cursor:
            return
        if not screen.as_json:
            how = f"go on with --cursor {page.next_cursor}, or see everything with --all"
            sys.stderr.write(f"{len(page.rows)} shown, and there are more: {how}\n")
        elif self.cursor is None:
            sys.stderr.write(f'{{"shown": {len(page.rows)}, "next_cursor": "{page.next_cursor}"}}\n')
