"""Version 2: movies liked by those who liked what this person liked last (item-based filtering, Sarwar et al. 2001)."""

from pathlib import Path

import numpy as np

LIKED = ("liked_1", "liked_2", "liked_3", "liked_4", "liked_5")


class Neighbours:
    """Forty movies nearest to the last five that the person liked, by the cosine between who liked them."""

    def load(self, folder):
        """Read the similarities that training computed: one row and column for each movie."""
        table = np.load(Path(folder, "similar.npz"))
        self.movies = table["movies"]
        self.similar = table["similar"]
        self.popular = table["popular"]
        self.place = {int(movie): index for index, movie in enumerate(self.movies)}

    def predict(self, rows):
        """Return for each row forty movies and their scores, best first."""
        return [self._forty(row) for row in rows]

    def _forty(self, row):
        liked = [self.place[row[name]] for name in LIKED if row[name] in self.place]
        score = self.popular.copy()
        for place in liked:
            score += self.similar[place]
        score[liked] = -1.0
        best = np.argsort(-score, kind="stable")[:40]
        return {"items": self.movies[best].tolist(), "score": score[best].tolist()}
