"""Nothing leaked, but every image is drawn ten times: which rules keep their error rate?

``python -m benchmarks hubs`` prints the table of ``docs/methods/verdict.md``; half a minute.

Each run splits the digits of `spolia.lab.digits` anew: 600 train, 600 control, and 597 that neither
has. A "generator" that has never seen train draws each of the 597 ten times with pixel noise. The
draws of one image name the same nearest image again and again, and each counts as evidence to a
rule that takes synthetic images for independent.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.stats import binom

from spolia.core.rates import Rate
from spolia.core.seeds import stream
from spolia.core.types import Float32, Float64, normalise
from spolia.lab.digits import digits
from spolia.stats.competition import Contest, Nearest, compete, decide
from spolia.stats.lean import lean_to_train
from spolia.stats.rates import exact_rate

RUNS = 100
SIDE_SIZE = 600
DRAWS = 10
NOISES = {"exact copies": 0.0, "noise 1/32": 1 / 32, "noise 1/16": 1 / 16}
"""Standard deviation of the noise on each pixel; paper is 0 and ink is 1."""


def contest(seed: int, noise: float) -> Contest:
    """Let train and control compete for the draws of the images that neither has."""
    pixels = digits().reshape(-1, 64) / 255.0
    rng = stream(seed, "hubs")
    train, control, held_out = np.split(rng.permutation(len(pixels)), [SIDE_SIZE, 2 * SIDE_SIZE])
    drawn = np.repeat(pixels[held_out], DRAWS, axis=0)
    drawn = np.clip(drawn + noise * rng.standard_normal(drawn.shape), 0.0, 1.0)
    synthetic = normalise(drawn)
    return compete(
        _nearest(synthetic, normalise(pixels[train])),
        _nearest(synthetic, normalise(pixels[control])),
        n_train=SIDE_SIZE,
        n_control=SIDE_SIZE,
    )


def _nearest(query: Float32, base: Float32) -> Nearest:
    similarity: Float64 = query.astype(np.float64) @ base.T.astype(np.float64)
    return Nearest(similarity.max(axis=1), similarity.argmax(axis=1).astype(np.int64))


def _binomial(played: Contest, level: float) -> bool:
    wins, images = int(played.won_by_train.sum()), played.won_by_train.size
    return bool(binom.sf(wins - 1, images, 0.5) <= level)


def _lean(played: Contest, level: float) -> bool:
    return lean_to_train(played.train_wins, played.control_wins, ratio=1.0).p <= level


def _by_image(played: Contest, level: float) -> bool:
    won = played.won_by_train
    decision = decide(played.to_train[won], played.to_control[~won], ratio=1.0, fdr=level)
    return bool(decision.found.any())


def _by_identity(played: Contest, level: float) -> bool:
    decision = decide(played.train_scores, played.control_scores, ratio=1.0, fdr=level)
    return bool(decision.found.any())


RULES: tuple[tuple[str, Callable[[Contest, float], bool], float], ...] = (
    ("set-level: binomial over all images", _binomial, 0.01),
    ("set-level: binomial over all images", _binomial, 0.05),
    ("set-level: `lean` (spolia)", _lean, 0.01),
    ("set-level: `lean` (spolia)", _lean, 0.05),
    ("names something: one score per synthetic image", _by_image, 0.05),
    ("names something: one score per synthetic image", _by_image, 0.10),
    ("names something: one score per identity (spolia)", _by_identity, 0.05),
    ("names something: one score per identity (spolia)", _by_identity, 0.10),
)


def table(runs: int) -> str:
    """Return, as Markdown, in how many runs each rule was wrong at each level and noise."""
    wrong = np.zeros((len(RULES), len(NOISES)), dtype=np.int64)
    for column, noise in enumerate(NOISES.values()):
        for seed in range(runs):
            played = contest(seed, noise)
            wrong[:, column] += [rule(played, level) for _, rule, level in RULES]
    head = ["rule", "asked: at most", *NOISES]
    lines = [head, ["---"] * len(head)]
    for (name, _, level), counts in zip(RULES, wrong.tolist(), strict=True):
        rates = (_written(exact_rate(count, runs)) for count in counts)
        lines.append([name, f"{level:.0%}", *rates])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _written(rate: Rate) -> str:
    return f"{rate.count} of {rate.n} ({rate.low:.1%} to {rate.high:.1%})"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks hubs", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="splits of the digits")
    print(table(parser.parse_args(arguments).runs))
