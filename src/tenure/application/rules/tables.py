"""A decision table made ready: every column typed, every cell read, and the row for some facts found by bisection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenure.application.rules.answers import compile_answer
from tenure.application.rules.axes import axis_of
from tenure.application.rules.cells import ANYTHING, read_cell, read_value
from tenure.application.rules.coverage import covered
from tenure.application.rules.errors import BrokenExpression
from tenure.application.rules.expressions import compile_expression
from tenure.application.rules.kinds import nearest
from tenure.application.rules.ruleset import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenure.application.rules.axes import Axis
    from tenure.application.rules.cells import Cell
    from tenure.application.rules.kinds import Scope
    from tenure.application.rules.operators import Run
    from tenure.application.rules.rule import Rule, Table
    from tenure.application.rules.typed import Expression
    from tenure.contract.records import Reason

ANSWER = "answer."
WORDS = frozenset({"reason", "review", "note"})
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class BrokenCell:
    """What is wrong with a table: `row` and `column` count from 0; -1 is the row of names, or the table as a whole."""

    why: str
    row: int = -1
    column: int = -1
    at: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A condition column: its place in the table, the typed expression at its head, its cells, its axis."""

    place: int
    head: Expression
    cells: tuple[Cell, ...]
    axis: Axis


@dataclass(frozen=True, slots=True)
class ReadyTable:
    """A table ready to be asked."""

    columns: tuple[Column, ...]
    effects: tuple[Effect, ...]

    def finder(self) -> Callable[[Mapping[str, Any]], Effect | None]:
        """Return a function from facts to the effect of the row that holds, None where no row does."""
        columns = [(column.head.run, column.axis.place) for column in self.columns]
        effects, every = self.effects, (1 << len(self.effects)) - 1

        def find(facts: Mapping[str, Any]) -> Effect | None:
            rows = every
            for run, place in columns:
                rows &= place(run(facts))
            return effects[(rows & -rows).bit_length() - 1] if rows else None

        return find


def compile_table(
    rule: Rule, table: Table, scope: Scope, reason: Callable[[str], Reason]
) -> ReadyTable | list[BrokenCell]:
    """Return the table ready, or everything that is wrong with its columns and cells; `reason` makes a code a reason."""
    broken = _shape(table) or _heads(table, scope)
    if broken:
        return broken
    compiler = _Compiler(rule, table, scope, reason)
    ready = compiler.whole()
    return compiler.broken or ready


def conditions(table: Table) -> list[int]:
    """Return the places of the condition columns."""
    return [place for place, name in enumerate(table.columns) if name not in WORDS and not name.startswith(ANSWER)]


def answers(table: Table) -> bool:
    """Tell whether the table settles: it has a column for a key of the answer."""
    return any(name.startswith(ANSWER) for name in table.columns)


def settles(rule: Rule) -> bool:
    """Tell whether a rule that fires answers."""
    return rule.answer is not None if rule.table is None else answers(rule.table)


def flaws(table: Table, ready: ReadyTable) -> list[BrokenCell]:
    """Return what is wrong with the table as a whole: gaps, overlaps, rows that can never count."""
    names = [table.columns[column.place] for column in ready.columns]
    found = covered([column.axis for column in ready.columns], len(table.rows))
    if not found.whole:
        return [BrokenCell("the table is too tangled to be shown whole; split it, or use fewer bounds in its columns")]
    broken = []
    if table.gaps == "refused":
        broken += [
            BrokenCell(f"no row holds where {_place(names, gap)}; add one, or say gaps: allowed") for gap in found.gaps
        ]
    if table.hit == "unique":
        broken += [
            BrokenCell(
                f"rows {one + 1} and {two + 1} both hold where {_place(names, place)}; or say hit: first", row=two
            )
            for (one, two), place in found.overlaps.items()
        ]
        return broken
    return broken + [
        BrokenCell("the row can never count: rows before it take all that it lets in", row=row)
        for row in found.unreachable
    ]


def _place(names: list[str], words: tuple[str, ...]) -> str:
    return " and ".join(f"{name} is {word}" for name, word in zip(names, words, strict=False) if word != "anything")


def _shape(table: Table) -> list[BrokenCell]:
    if not table.rows:
        return [BrokenCell("the table has no rows")]
    if len(table.rows) > MOST_ROWS:
        return [BrokenCell(f"the table has {len(table.rows)} rows, more than {MOST_ROWS}")]
    width = len(table.columns)
    return [
        BrokenCell(f"the row has {len(row)} cells and the table {width} columns", row=place)
        for place, row in enumerate(table.rows)
        if len(row) != width
    ]


def _heads(table: Table, scope: Scope) -> list[BrokenCell]:
    """Return what is wrong with the names of the columns, but for the conditions' own expressions."""
    broken = [
        BrokenCell(f"the column {name!r} stands twice", column=place)
        for place, name in enumerate(table.columns)
        if name in table.columns[:place]
    ]
    broken += [
        BrokenCell("the column has no name", column=place)
        for place, name in enumerate(table.columns)
        if name in {"", ANSWER}
    ]
    if not conditions(table):
        broken.append(BrokenCell(f"the table has no condition; a column is named for a field{_known(scope)}"))
    if not answers(table) and not {"reason", "review"} & set(table.columns):
        broken.append(BrokenCell("the table does nothing: give it a column answer.KEY, reason or review"))
    return broken


def _known(scope: Scope) -> str:
    return f", as {next(iter(scope.names))}" if scope.names else ""


class _Compiler:
    """Compiles columns and rows, and collects what is broken."""

    def __init__(self, rule: Rule, table: Table, scope: Scope, reason: Callable[[str], Reason]) -> None:
        self.broken: list[BrokenCell] = []
        self._rule = rule
        self._table = table
        self._scope = scope
        self._reason = reason

    def whole(self) -> ReadyTable:
        self._one_kind()
        columns = [self._column(place) for place in conditions(self._table)]
        effects = tuple(self._effect(row) for row in range(len(self._table.rows)))
        return ReadyTable(tuple(column for column in columns if column is not None), effects)

    # ---- conditions

    def _column(self, place: int) -> Column | None:
        name = self._table.columns[place]
        try:
            head = compile_expression(name, self._scope, lenient=self._rule.on_missing is not None)
        except BrokenExpression as error:
            near = nearest(name, ["answer.", *WORDS]) if name not in self._scope.names else ""
            self.broken.append(BrokenCell(f"{error}{near}", column=place, at=error.facts["at"]))
            return None
        cells = [self._cell(row, place, head) for row in range(len(self._table.rows))]
        if any(one.column == place for one in self.broken):
            return None
        return Column(place, head, tuple(cells), axis_of(head.kind, head.known, cells))

    def _cell(self, row: int, place: int, head: Expression) -> Cell:
        text = self._table.rows[row][place]
        try:
            cell = read_cell(text, head.kind)
            self._refuse_never(text, cell, head)
        except BrokenExpression as error:
            self.broken.append(BrokenCell(str(error), row, place))
            return None
        return cell

    def _refuse_never(self, text: str, cell: Cell, head: Expression) -> None:
        """Refuse a cell that lets in nothing that the field can be."""
        axis = axis_of(head.kind, head.known, [cell])
        declared = head.known.values if head.known else None
        for value in getattr(cell, "values", ()):
            if declared and value not in declared:
                why = nearest(value, declared) or f"; it is one of: {', '.join(declared)}"
                raise BrokenExpression(
                    why=f"{head.known.key.removeprefix('request.') if head.known else ''} is never {value!r}{why}", at=0
                )
        if not any(part.rows for part in axis.parts):
            raise BrokenExpression(why=f"the field is never {text}", at=0)

    # ---- answers

    def _effect(self, row: int) -> Effect:
        cells = dict(zip(self._table.columns, self._table.rows[row], strict=True))
        answer = {
            name[len(ANSWER) :]: self._value(row, name, text) for name, text in cells.items() if name.startswith(ANSWER)
        }
        code = cells.get("reason", "").strip()
        return Effect(
            answer=self._made(row, answer) if answer else None,
            reason=self._coded(row, code) if code not in ANYTHING else None,
            reviews=cells.get("review", "").strip() not in ANYTHING,
            row=row + 1,
        )

    def _value(self, row: int, name: str, text: str) -> Any:
        column = self._table.columns.index(name)
        try:
            if not text.strip():
                raise BrokenExpression(why=f"{name} is empty; write its value, or '' for an empty text", at=0)
            return read_value(text)
        except BrokenExpression as error:
            self.broken.append(BrokenCell(str(error), row, column))
            return None

    def _made(self, row: int, answer: dict[str, Any]) -> Run:
        made = compile_answer(answer, self._scope)
        if callable(made):
            return made
        for part in made:
            self.broken.append(BrokenCell(part.why, row, self._table.columns.index(f"{ANSWER}{part.path[0]}"), part.at))
        return lambda _: {}

    def _coded(self, row: int, code: str) -> Reason | None:
        try:
            return self._reason(code)
        except BrokenExpression as error:
            self.broken.append(BrokenCell(str(error), row, self._table.columns.index("reason")))
            return None

    def _one_kind(self) -> None:
        """Refuse a column of answers of which some are numbers and some are text: one of them is a slip."""
        for place, name in enumerate(self._table.columns):
            if name.startswith(ANSWER):
                self.broken += _mixed([row[place] for row in self._table.rows], place)


def _mixed(texts: Sequence[str], place: int) -> list[BrokenCell]:
    kinds = [_sort(text) for text in texts]
    named = [kind for kind in kinds if kind]
    usual = max(dict.fromkeys(named), key=named.count) if named else ""
    return [
        BrokenCell(f"the column holds {usual}, and this is {kind}; quote it if it is meant so", row, place)
        for row, kind in enumerate(kinds)
        if kind and kind != usual
    ]


def _sort(text: str) -> str:
    """Return what a cell of answers holds, empty for expressions, for what is quoted badly, and for nothing."""
    try:
        value = read_value(text)
    except BrokenExpression:
        return ""
    if isinstance(value, dict) or not text.strip():
        return ""
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
