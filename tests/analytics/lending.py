"""A home with an application and as many decisions as a test wants, written as a gateway writes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tenure.adapters.decision_log.persons import Persons
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.actions import named
from tenure.app.control import Control
from tenure.app.secrets import persons_key
from tenure.application.decisions.deciding import Decider, Settled
from tenure.contract.records import encode
from tenure.governance.access import Actor, local_actor
from tenure.kit.clock import SECOND, FixedClock
from tenure.kit.ids import new_id
from tenure.settings import Home

ADA = local_actor("ada")
BOB = local_actor("bob")

APPLICATION = """
application: loans
entity: customer
personal: [email]
request:
  customer: string
  email: {type: string, required: false}
  income: float
  age: int
features:
  - {view: history, key: customer, on_missing: default}
rules:
  - {id: young, when: "age < 18", answer: {grant: false, limit: 0}, reason: R01}
  - {id: grey, when: "income < 1000.0", review: desk}
default: {answer: {grant: true, limit: 100}, reason: R00}
reasons: {R00: nothing against it, R01: under age}
outcome: {name: repaid, type: bool}
"""


class Lending:
    """The home, what writes decisions into it, and the actions."""

    def __init__(self, control: Control, clock: FixedClock) -> None:
        self.control = control
        self.clock = clock
        home = control.home
        self._persons = Persons(home.persons_db, persons_key(home))
        self._writer = LogWriter.open(home.decisions, "gateway-1", clock=clock)
        do(
            control,
            "features:ingest",
            view="history",
            rows=[{"customer": "c1", "loans": 3}],
            key="customer",
            defaults={"loans": 0},
        )
        do(control, "applications:apply", text=APPLICATION, reason="first")
        active = control.revisions.active("loans")
        assert active is not None
        self._decider = Decider(active.definition, None, None, 1)

    def decide(self, customer: str = "c1", income: float = 2000.0, age: int = 40, **more: Any) -> str:
        """Return the id of a decision made now; `more` are fields that a later revision asks for."""
        self.clock.advance(SECOND)
        now = self.clock.now()
        decider = self._decider
        row = {"customer": customer, "email": f"{customer}@secret.example", "income": income, "age": age, **more}
        step = decider.before(
            decider.admit_row(row), {"history": ({"loans": 3}, now - SECOND) if customer == "c1" else None}
        )
        assert isinstance(step, Settled)
        record = decider.record(step, id=new_id(now), at=now, protect=self._protect, elapsed_us=250, actor="t1")
        self._writer.append_all([encode(record)])
        return record.id

    def _protect(self, entity: str, fields: dict[str, Any]) -> tuple[str, str]:
        pseudonym = self._persons.pseudonym(entity)
        return pseudonym, self._persons.encrypt(pseudonym, fields)

    def do(self, name: str, actor: Actor = ADA, /, **given: Any) -> Any:
        self.clock.advance(SECOND)
        return do(self.control, name, actor, **given)

    def sql(self, query: str) -> list[list[Any]]:
        rows: list[list[Any]] = self.do("sql", query=query).rows
        return rows

    def seal(self) -> None:
        self.clock.advance(60 * SECOND)
        self.control._seal()

    def close(self) -> None:
        self._writer.close_now()
        self._persons.close()


def do(control: Control, name: str, actor: Actor = ADA, /, **given: Any) -> Any:
    return control.perform(name, actor, msgspec.convert(given, named(name).input))


@contextmanager
def lending(folder: Path, portion: int = 50_000) -> Iterator[Lending]:
    """Give a home for as long as the block lasts; `portion` is how many records are exported at once."""
    clock = FixedClock()
    with Control.open(Home(folder / "home"), clock) as control:
        bank = Lending(control, clock)
        control.data_out._tables._portion = portion  # type: ignore[attr-defined]
        try:
            yield bank
        finally:
            bank.close()
