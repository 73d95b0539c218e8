"""Approvals, schedules and trials of revisions in the control database."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tenure.adapters.sql.application_tables import approvals, schedules, trials
from tenure.application.revisions.life import Approved, Schedule, ScheduleState, Trial

if TYPE_CHECKING:
    from sqlalchemy import Select

    from tenure.adapters.sql.engine import Database

_OPEN = (ScheduleState.WAITING.value, ScheduleState.ON.value)


class SqlLives:
    """The store of what happens to revisions (application/revisions/ports.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def approvals(self, application: str) -> list[Approved]:
        """Return the approvals of an application's revisions."""
        query = select(approvals).where(approvals.c.application == application).order_by(approvals.c.number)
        with self._database.reading() as connection:
            return [Approved(**row) for row in connection.execute(query).mappings()]

    def approve(self, approved: Approved) -> None:
        """Keep an approval; a revision has one."""
        with self._database.writing() as connection:
            connection.execute(approvals.insert().values(_row(approved)))

    def schedules(self, application: str) -> list[Schedule]:
        """Return every schedule of an application, oldest first."""
        return self._schedules(select(schedules).where(schedules.c.application == application))

    def open_schedules(self) -> list[Schedule]:
        """Return the schedules of all applications that something is still to be done about, by their times."""
        return self._schedules(select(schedules).where(schedules.c.state.in_(_OPEN)).order_by(schedules.c.starts_at))

    def add_schedule(self, schedule: Schedule) -> None:
        """Keep a new schedule; its id is given here."""
        row = _row(schedule)
        del row["id"]
        with self._database.writing() as connection:
            connection.execute(schedules.insert().values(row))

    def save_schedule(self, schedule: Schedule) -> None:
        """Keep where a schedule stands now."""
        changed = {"state": schedule.state.value, "why": schedule.why}
        with self._database.writing() as connection:
            connection.execute(schedules.update().where(schedules.c.id == schedule.id).values(changed))

    def trial(self, application: str) -> Trial | None:
        """Return the trial of an application."""
        query = select(trials).where(trials.c.application == application)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Trial(**row)

    def all_trials(self) -> dict[str, Trial]:
        """Return the trials by application."""
        with self._database.reading() as connection:
            found = [Trial(**row) for row in connection.execute(select(trials)).mappings()]
        return {trial.application: trial for trial in found}

    def set_trial(self, trial: Trial) -> None:
        """Put a revision on trial, in the place of another one."""
        with self._database.writing() as connection:
            connection.execute(trials.delete().where(trials.c.application == trial.application))
            connection.execute(trials.insert().values(_row(trial)))

    def end_trial(self, application: str) -> None:
        """End the trial of an application."""
        with self._database.writing() as connection:
            connection.execute(trials.delete().where(trials.c.application == application))

    def _schedules(self, query: Select[Any]) -> list[Schedule]:
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(schedules.c.id)).mappings().all()
        return [Schedule(**{**row, "state": ScheduleState(row["state"])}) for row in rows]


def _row(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
