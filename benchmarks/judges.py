"""Two judges of one set: which rule keeps the rate, and which finds most?

``python -m benchmarks judges`` prints the tables of ``docs/methods/judges.md``; two minutes. With
``--card MODEL_CARD --faces FACES.zip`` it prints the table on real faces instead.

Scores are normal, 500 train and 500 control identities, of each judge three in ten win nothing.
Without a leak the scores of the two judges correlate by rho; leaks are raised by so many standard
deviations under each.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

import spolia
from benchmarks.faces import Split, people_of, split_people
from spolia.auditing.embed import embed_source
from spolia.core.seeds import stream
from spolia.core.types import Float64
from spolia.embedding import open_embedder
from spolia.sources import open_source
from spolia.stats.combine import any_judge, combine
from spolia.stats.competition import Nearest, compete, decide
from spolia.store.precomputed import open_precomputed

Named = npt.NDArray[np.bool_]
SIDE_SIZE = 500
RUNS = 200
Q = 0.05


@dataclass(frozen=True)
class World:
    """How two judges see train."""

    name: str
    leaks: int
    raised: tuple[float, float]
    rho: float
    heavy: bool = False
    """The second judge's scores have heavy tails and tell nothing."""


WORLDS = (
    World("no leak, rho 0", 0, (0.0, 0.0), 0.0),
    World("no leak, rho 0.9", 0, (0.0, 0.0), 0.9),
    World("25 seen by both, rho 0.5", 25, (5.0, 5.0), 0.5),
    World("60 seen faintly by both, rho 0.5", 60, (2.5, 2.5), 0.5),
    World("60 seen faintly by both, rho 0.9", 60, (2.5, 2.5), 0.9),
    World("60 seen faintly by both, rho -0.8", 60, (2.5, 2.5), -0.8),
    World("60 seen by the first alone", 60, (6.0, 0.0), 0.0),
    World("60 seen by the first alone, heavy tails", 60, (6.0, 0.0), 0.0, heavy=True),
    World("25 seen by the first alone", 25, (6.0, 0.0), 0.0),
)


def draw(world: World, seed: int) -> tuple[Float64, Float64]:
    """Return the scores of train, leaks first, and of control: ``(500, 2)`` each."""
    rng = stream(seed, "judges", world.name)
    cov = np.array([[1.0, world.rho], [world.rho, 1.0]])
    scores = rng.multivariate_normal(np.zeros(2), cov, size=2 * SIDE_SIZE)
    if world.heavy:
        scores[:, 1] = rng.standard_t(3, size=2 * SIDE_SIZE)
    scores[: world.leaks] += world.raised
    nothing = rng.random(scores.shape) < 0.3
    nothing[: world.leaks] = False
    scores[nothing] = -np.inf
    return scores[:SIDE_SIZE], scores[SIDE_SIZE:]


def p_of(train: Float64, control: Float64) -> Float64:
    """Return the conformal p of each judge by itself, ``(n, J)``."""
    above = [
        len(c) - np.searchsorted(np.sort(c), t, side="left")
        for t, c in zip(train.T, control.T, strict=True)
    ]
    return np.asarray((1.0 + np.stack(above, axis=1)) / (1.0 + len(control)))


def q_of(train: Float64, control: Float64) -> Float64:
    ratio = len(control) / len(train)
    each = [decide(t, c, ratio=ratio, fdr=Q).q for t, c in zip(train.T, control.T, strict=True)]
    return np.stack(each, axis=1)


def cauchy(p: Float64) -> Float64:
    """Liu and Xie's combination."""
    return np.asarray(0.5 - np.arctan(np.tan((0.5 - p) * np.pi).mean(axis=1)) / np.pi)


def fisher(p: Float64) -> Float64:
    """Fisher's combination, which takes judges for independent."""
    return np.asarray(chi2.sf(-2.0 * np.log(p).sum(axis=1), 2 * p.shape[1]))


def smallest_p(p: Float64) -> Float64:
    """The smallest p as it is."""
    return np.asarray(p.min(axis=1))


def benjamini_hochberg(p: Float64) -> Named:
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= Q * np.arange(1, p.size + 1) / p.size)
    named = np.zeros(p.size, dtype=np.bool_)
    named[order[: below[-1] + 1 if below.size else 0]] = True
    return named


def together(train: Float64, control: Float64) -> Named:
    """Name by the rule of spolia."""
    return combine(train, control, ratio=len(control) / len(train), fdr=Q).found


RULES: dict[str, Callable[[Float64, Float64], Named]] = {
    "first alone": lambda t, c: q_of(t, c)[:, 0] <= Q,
    "**together**": together,
    "any at q/2": lambda t, c: any_judge(q_of(t, c)) <= Q,
    "any at q": lambda t, c: q_of(t, c).min(axis=1) <= Q,
    "smallest p, BH": lambda t, c: benjamini_hochberg(smallest_p(p_of(t, c))),
    "Fisher, BH": lambda t, c: benjamini_hochberg(fisher(p_of(t, c))),
    "Cauchy, BH": lambda t, c: benjamini_hochberg(cauchy(p_of(t, c))),
}


def shares(named: Named, leaks: int) -> tuple[float, float]:
    """Return the share of false ones among the named, and of leaks that are named."""
    false = float(named[leaks:].sum() / max(1, named.sum()))
    return false, float(named[:leaks].mean()) if leaks else 0.0


Runs = dict[str, list[tuple[float, float]]]
"""By rule, false share and power of every run."""


def lines_of(head: str, worlds: dict[str, Runs], part: int) -> list[str]:
    """Return a Markdown table of means with 95 % intervals: a world a line, a rule a column."""
    lines = [f"| {head} | {' | '.join(RULES)} |", "|" + " --- |" * (1 + len(RULES))]
    for name, runs in worlds.items():
        cells = []
        for rule in RULES:
            values = [one[part] for one in runs[rule]]
            half = 1.96 * float(np.std(values)) / len(values) ** 0.5
            cells.append(f"{np.mean(values):.3f} ± {half:.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def tables(worlds: dict[str, Runs], leaking: list[str]) -> str:
    """Return the tables of false shares and, where there are leaks, of those found."""
    found = {name: worlds[name] for name in leaking}
    false, power = lines_of("false share", worlds, 0), lines_of("found", found, 1)
    return "\n".join([*false, "", *power])


def table(runs: int) -> str:
    """Return, as Markdown, false share and power of every rule in every world."""
    worlds: dict[str, Runs] = {}
    for world in WORLDS:
        drawn = [draw(world, seed) for seed in range(runs)]
        worlds[world.name] = {
            name: [shares(rule(*one), world.leaks) for one in drawn] for name, rule in RULES.items()
        }
    return tables(worlds, [one.name for one in WORLDS if one.leaks])


P_RUNS, P_CONTROL = 20000, 99
LEVELS = (0.01, 0.05, 0.1, 0.5)


def p_table(runs: int) -> str:
    """Return, as Markdown, how often p of an identity that did not leak is at most a level."""
    rules: dict[str, Callable[[Float64, Float64], Float64]] = {
        "**together**": lambda t, c: combine(t, c, ratio=len(c) / len(t), fdr=Q).p,
        "smallest p": lambda t, c: smallest_p(p_of(t, c)),
        "Fisher": lambda t, c: fisher(p_of(t, c)),
        "Cauchy": lambda t, c: cauchy(p_of(t, c)),
    }
    lines = ["| rule | rho | " + " | ".join(f"p ≤ {level}" for level in LEVELS) + " |"]
    lines.append("|" + " --- |" * (2 + len(LEVELS)))
    for rho in (-0.8, 0.0, 0.5, 0.9, 1.0):
        p: dict[str, list[float]] = {name: [] for name in rules}
        for seed in range(runs):
            rng = stream(seed, "judges p", str(rho))
            common, own = rng.normal(size=(P_CONTROL + 1, 1)), rng.normal(size=(P_CONTROL + 1, 2))
            sign = np.array([1.0, 1.0 if rho >= 0 else -1.0])
            scores = np.sqrt(abs(rho)) * common * sign + np.sqrt(1.0 - abs(rho)) * own
            for name, rule in rules.items():
                p[name].append(float(rule(scores[:1], scores[1:])[0]))
        for name, values in p.items():
            seen = [f"{np.mean(np.array(values) <= level + 1e-12):.3f}" for level in LEVELS]
            lines.append(f"| {name} | {rho} | " + " | ".join(seen) + " |")
    return "\n".join(lines)


def faces_table(card: Path, archive: Path, runs: int) -> str:
    """Return, as Markdown, what a face network and `dct` find of held-back photos, and together."""
    people = people_of(archive)
    with tempfile.TemporaryDirectory() as folder:
        stores = {}
        for name, spec in (("face", card), ("dct", "dct")):
            embed_source(open_source(archive), open_embedder(spec), Path(folder) / name)
            stores[name] = open_precomputed(Path(folder) / name).embeddings
        # Halves of a network are two judges that know much the same.
        face = stores["face"].vectors[:]
        half = face.shape[1] // 2
        pairs = {
            "face network and dct": (face, stores["dct"].vectors[:]),
            "two halves of the face network": (
                spolia.normalise(face[:, :half]),
                spolia.normalise(face[:, half:]),
            ),
        }
        return _faces_lines(people, stores["face"].ids, pairs, runs)


def _faces_lines(
    people: dict[str, list[str]],
    ids: tuple[str, ...],
    pairs: dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]],
    runs: int,
) -> str:
    row = {photo: i for i, photo in enumerate(ids)}
    worlds: dict[str, Runs] = {}
    for leaks in (0, 25, 60):
        for judges in pairs:
            worlds[f"{judges}, {leaks} leaks"] = {name: [] for name in RULES}
        for seed in range(runs):
            split = split_people(people, leaks=leaks, clean=400, seed=seed)
            sides, samples = _drawn(people, row, split, seed)
            sizes = len(split.train), len(split.control)
            for judges, rows in pairs.items():
                scores = [_scores(sides, sizes, vectors, samples) for vectors in rows]
                train, control = (np.stack(side, axis=1) for side in zip(*scores, strict=True))
                for name, rule in RULES.items():
                    said = shares(rule(train, control), leaks)
                    worlds[f"{judges}, {leaks} leaks"][name].append(said)
    return tables(worlds, [name for name in worlds if ", 0 leaks" not in name])


def _drawn(
    people: dict[str, list[str]], row: dict[str, int], split: Split, seed: int
) -> tuple[tuple[list[tuple[int, int]], ...], npt.NDArray[np.int64]]:
    """Return person and row of the photos of train and control, and the rows of the samples."""
    rng = np.random.default_rng([seed, 1])
    held = {name: str(rng.choice(people[name])) for name in split.leaked}
    one = [str(rng.choice(people[name])) for name in split.clean]
    sides = tuple(
        [
            (i, row[photo])
            for i, name in enumerate(names)
            for photo in people[name]
            if photo != held.get(name)
        ]
        for names in (split.train, split.control)
    )
    return sides, np.array([row[photo] for photo in [*held.values(), *one]])


def _scores(
    photos: tuple[list[tuple[int, int]], ...],
    people: tuple[int, ...],
    vectors: npt.NDArray[np.float32],
    samples: npt.NDArray[np.int64],
) -> tuple[Float64, Float64]:
    """Return the scores of the people of train and control under one judge.

    ``photos`` are, for train and control, the person and the row of every photo.
    """
    sides = []
    for side in photos:
        identity, rows = np.array(side).T
        similarity = vectors[samples] @ vectors[rows].T
        nearest = identity[similarity.argmax(axis=1)]
        sides.append(Nearest(similarity.max(axis=1).astype(np.float64), nearest))
    contest = compete(*sides, n_train=people[0], n_control=people[1])
    return contest.train_scores, contest.control_scores


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks judges", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--card", type=Path)
    parser.add_argument("--faces", type=Path)
    asked = parser.parse_args(arguments)
    if asked.card and asked.faces:
        print(faces_table(asked.card, asked.faces, asked.runs))
        return
    print(table(asked.runs))
    print()
    print(p_table(P_RUNS))
