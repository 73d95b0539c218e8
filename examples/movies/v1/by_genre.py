"""Version 1: the movies most people like within the person's favourite genre. Plain Python, standard library alone."""

import json
from pathlib import Path


class ByGenre:
    """Forty movies: fifteen of the favourite genre, most liked first, then the most liked of all."""

    def load(self, folder):
        """Read the tables that training counted."""
        likes = json.loads(Path(folder, "likes.json").read_text(encoding="utf-8"))
        self.by_genre = {genre: [tuple(pair) for pair in pairs] for genre, pairs in likes["by_genre"].items()}
        self.overall = [tuple(pair) for pair in likes["overall"]]

    def predict(self, rows):
        """Return for each row forty movies and how well each is liked, the likeliest first."""
        return [self._forty(row) for row in rows]

    def _forty(self, row):
        seen = {row["liked_1"], row["liked_2"], row["liked_3"]}
        ranked = [pair for pair in self.by_genre.get(row["favourite_genre"], []) if pair[0] not in seen][:15]
        seen.update(movie for movie, _ in ranked)
        ranked += [pair for pair in self.overall if pair[0] not in seen][: 40 - len(ranked)]
        return {"items": [movie for movie, _ in ranked], "score": [score for _, score in ranked]}
