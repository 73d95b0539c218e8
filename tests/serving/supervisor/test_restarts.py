"""When a process that died is started again."""

from tenure.serving.supervisor.restarts import BROKEN_AFTER, FORGIVEN_AFTER, Restarts, after_death


def test_the_first_death_costs_no_time_and_each_further_one_more_until_once_a_minute() -> None:
    pauses, restarts = [], Restarts()
    for _ in range(BROKEN_AFTER):
        restarts = after_death(restarts, lived=0.1)
        pauses.append(restarts.pause)
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60
    assert restarts.broken
    assert restarts.total == BROKEN_AFTER


def test_a_long_life_is_a_new_beginning_but_all_deaths_are_counted() -> None:
    restarts = after_death(Restarts(total=7, in_a_row=7), lived=FORGIVEN_AFTER)
    assert (restarts.total, restarts.in_a_row, restarts.pause) == (8, 1, 0)
