"""Results of back-tests in the control database, found by the digest of the definition that was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tenure.accountability.backtests import Backtest
from tenure.adapters.sql.application_tables import backtests

if TYPE_CHECKING:
    from tenure.adapters.sql.engine import Database


class SqlBacktests:
    """The store of results (accountability/backtests.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, backtest: Backtest) -> None:
        """Keep a result."""
        row = {"application": backtest.application, "digest": backtest.digest, "at": backtest.at}
        with self._database.writing() as connection:
            connection.execute(backtests.insert().values(**row, result=msgspec.json.encode(backtest).decode()))

    def newest(self, application: str, digest: str) -> Backtest | None:
        """Return the newest result for a definition."""
        query = (
            select(backtests.c.result)
            .where(backtests.c.application == application, backtests.c.digest == digest)
            .order_by(backtests.c.sequence.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else msgspec.json.decode(found, type=Backtest)
