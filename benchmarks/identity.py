"""How well held-back photos tell whose other photos are among the samples: tables of the docs.

``python -m benchmarks identity [--seeds 40] [--score nearest] [--xrays FILE]`` prints them: real
faces (CARD is the model card of a face network, FACES.zip has one folder of aligned photos per
person). There is no generator: the samples are photos of members, of which one each is held out and
shown at a known rate, and one photo each of 600 strangers. Members and non-members are people with
two photos or more; one photo of each is taken away, the members' for the samples, and the others
are what is asked with. What truly leaked is known, and so is what theory says: of shown members the
area is A, of those who are not shown one half, so that it is (1 + (2 A - 1) rate) / 2 of all.

Of chest X-rays (FILE is an .npz of them) every image is an identity of its own, and the judge is
``dct``: a sample is a member's image with noise, and what is asked with is the image with other
noise.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.real import CARD, FACES
from benchmarks.truth import People, people_of
from spolia import Embeddings
from spolia.auditing.identity import IdentityResult, answer
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.record import Stopwatch
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.membership import Score
from spolia.core.progress import silent
from spolia.embedding import open_embedder

MEMBERS, OTHERS, STRANGERS = 150, 300, 600
NOISE = 10.0
"""Standard deviation, of 255 levels."""
RATES = (0.0, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Drawn:
    """One draw, and who of the members is truly among the samples."""

    result: IdentityResult
    shown: frozenset[str]


def xrays_of(path: Path) -> People:
    """Embed every image twice, each time with noise of its own."""
    embedder = open_embedder("dct")
    rng = np.random.default_rng(0)
    with np.load(path) as file:
        images = file["train_images"]
    twice = np.repeat(images, 2, axis=0)
    noisy = np.clip(twice + rng.normal(0.0, NOISE, twice.shape), 0, 255).astype(np.uint8)
    rows = np.stack([embedder.embed(np.stack([one] * 3, axis=-1)) for one in noisy])
    photos = {f"{i:05d}": np.array([2 * i, 2 * i + 1]) for i in range(len(images))}
    return People(rows, photos, embedder.summary)


def ask(
    people: People, rate: float, seed: int, *, most: int | None = None, how: Score = "nearest"
) -> Drawn:
    """Draw who is a member, show them at a rate, and ask."""
    rng = np.random.default_rng(seed)
    photos = {name: rng.permutation(own) for name, own in sorted(people.photos.items())}
    several = rng.permutation([name for name, own in photos.items() if own.size > 1]).tolist()
    members, others = several[:MEMBERS], several[MEMBERS : MEMBERS + OTHERS]
    taken = {*members, *others}
    strangers = rng.permutation([name for name in photos if name not in taken]).tolist()[:STRANGERS]
    shown = [name for name in members if rng.random() < rate]
    samples = [(name, photos[name][:1]) for name in (*shown, *strangers)]
    stop = None if most is None else most + 1
    asked, beside = (
        _set(people, role, [(name, photos[name][1:stop]) for name in side])
        for role, side in (("members", members), ("nonmembers", others))
    )
    sets = {
        "synthetic": _set(people, "synthetic", samples),
        "members": asked,
        "queries": replace(asked, role="queries"),
        "nonmembers": beside,
    }
    plan = Plan("", "", None, "precomputed", seed=seed)
    result = answer(sets, plan, Options(), Stopwatch(silent), any_judge=False, how=how)
    return Drawn(result, frozenset(shown))


def _set(people: People, role: str, photos: list[tuple[str, np.ndarray]]) -> AuditSet:
    rows = np.concatenate([own for _, own in photos])
    names = [name for name, own in photos for _ in range(own.size)]
    given = Embeddings(people.rows[rows], [f"{i:06d}" for i in rows.tolist()], names)
    return prepare(role, given, people.model, fingerprint="")


def row(
    people: People, rate: float, seeds: int, *, most: int | None = None, how: Score = "nearest"
) -> str:
    """Return a row of the table: means over seeds, each with its interval."""
    drawn = [ask(people, rate, seed, most=most, how=how) for seed in range(seeds)]
    summaries = [one.result.summary for one in drawn]
    area = np.array([one.identities.auc.value for one in summaries])
    held = sum(
        one.identities.auc.low <= area.mean() <= one.identities.auc.high for one in summaries
    )
    hits = np.array([one.identities.hits[0].tpr.value for one in summaries])
    named = [frozenset(one.result.named["identity"].to_pylist()) for one in drawn]
    right = [len(some & one.shown) for some, one in zip(named, drawn, strict=True)]
    false = [1.0 - r / max(len(some), 1) for some, r in zip(named, right, strict=True) if some]
    shown = [len(one.shown) for one in drawn]
    p = np.concatenate([_unshown(one) for one in drawn])
    low = f"{np.mean(p <= 0.05):.3f}, {np.mean(p <= 0.5):.3f}" if p.size else "–"
    power = f"{sum(right) / sum(shown):.2f}" if sum(shown) else "–"
    share = sum(false) / seeds
    return (
        f"| {rate:g} | {_mean(area)} | {held} of {seeds} | {_mean(hits)} | "
        f"{np.mean([len(some) for some in named]):.1f} | {share:.3f} ± "
        f"{1.96 * np.std(false + [0.0] * (seeds - len(false))) / np.sqrt(seeds):.3f} | {power} | "
        f"{low} |"
    )


def _unshown(one: Drawn) -> np.ndarray:
    rows = one.result.identities.to_pylist()
    return np.array(
        [
            each["p"]
            for each in rows
            if each["set"] == "queries" and each["identity"] not in one.shown
        ]
    )


def _mean(values: np.ndarray) -> str:
    return f"{values.mean():.3f} ± {1.96 * values.std(ddof=1) / np.sqrt(values.size):.3f}"


def table(people: People, seeds: int, *, most: int | None = None, how: Score = "nearest") -> str:
    """Return the table of all rates."""
    lines = [
        "| rate | AUC | interval holds the mean | TPR at FPR ≤ 1 % | named | false among them | "
        "shown members named | p ≤ .05, ≤ .5 of those not shown |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(row(people, rate, seeds, most=most, how=how) for rate in RATES)])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks identity", description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--faces", type=Path, default=FACES)
    parser.add_argument("--score", choices=get_args(Score), default="nearest")
    parser.add_argument("--xrays", type=Path, help="an .npz of X-rays in the place of faces")
    asked = parser.parse_args(arguments)
    if asked.xrays is not None:
        print(table(xrays_of(asked.xrays), asked.seeds, how=asked.score))
        return
    people = people_of(asked.card, asked.faces)
    for most in (None, 1):
        print(f"\n{'all photos' if most is None else 'one photo each'}\n")
        print(table(people, asked.seeds, most=most, how=asked.score))
