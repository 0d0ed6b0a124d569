"""How often the verdict is right where the truth is planted: the tables of the docs.

``python -m benchmarks honesty [--seeds 60]`` prints them: digits, of which a generator in closed
form copies some, and real faces. For faces, CARD is the model card of a face network and FACES.zip
has one folder of aligned photos per person; without the files there are only digits. Beside
spolia's rule stand the plain competition and the thresholds of a matcher.

People are split at random into train, control and neither. The synthetic set holds one photo each
of 400 people in neither (clean), and held-back photos of people in train (leaks), some of them
faint: a unit row e becomes (1 - a) e + a u with a random direction u.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from scipy.stats import kstest

from benchmarks.digits import DigitsCell, draw_digits, rows_of_digits
from benchmarks.planted import Sets, thresholds
from benchmarks.real import CARD, FACES
from benchmarks.truth import Cell, People, draw, people_of
from spolia.auditing.counting import count_sets
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.exclude import Asked
from spolia.auditing.match import Neighbours
from spolia.auditing.matching import match_all
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.verdict import Verdict, judge
from spolia.core.progress import silent
from spolia.core.types import Float64
from spolia.stats.bounds import curve
from spolia.stats.competition import Nearest, compete, decide
from spolia.stats.conformal import single_case_p
from spolia.stats.rates import exact_rate

LEVELS = (0.01, 0.05, 0.10)
FMRS = (1e-3, 1e-4, 1e-6)

CELLS = (
    Cell(leaks=0),
    Cell(leaks=10),
    Cell(leaks=50),
    Cell(leaks=200),
    Cell(leaks=50, faint=0.4),
    Cell(leaks=50, faint=0.5),
    Cell(leaks=0, ratio=0.25),
    Cell(leaks=10, ratio=0.25),
    Cell(leaks=50, ratio=0.25),
    Cell(leaks=0, ratio=2.0),
    Cell(leaks=10, ratio=2.0),
    Cell(leaks=50, ratio=2.0),
    Cell(leaks=0, images=10),
    Cell(leaks=50, images=10),
    Cell(leaks=50, images=10, ratio=0.25),
    Cell(leaks=0, duplicates="train"),
    Cell(leaks=50, duplicates="train"),
    Cell(leaks=0, duplicates="across"),
    Cell(leaks=50, duplicates="across"),
)


DIGITS = tuple(
    DigitsCell(*given)
    for given in (
        (0.0,),
        (0.5,),
        (1.0,),
        (1.0, 10),
        (1.0, 50),
        (0.0, 500, 0.25),
        (0.5, 500, 0.25),
        (1.0, 50, 0.25),
        (0.0, 500, 2.0),
        (0.5, 500, 2.0),
        (1.0, 50, 2.0),
    )
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the rules said of one draw: (named, false, right) by rule and level."""

    leaks: int
    counts: dict[tuple[str, float], tuple[int, int, int]]
    bound_held: bool
    borrowed: bool
    clean_p: Float64


def run(sets: Sets, naive: dict[float, float]) -> Outcome:
    """Judge one draw by every rule, as an audit does: near-duplicates are searched first."""
    kind = sets.sides["train"].model.kind
    plan = Plan(
        *("memory:", "memory:", "memory:", "precomputed"), duplicates=threshold_of("auto", kind)
    )
    options = Options(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(None, ())
        counted = count_sets(Path(folder), sets.sides, asked, plan, options, silent)
        sets = replace(sets, sides=counted.sets)
        matched = match_all(Path(folder), sets.sides, plan, options, silent)
    beside = matched.control
    assert beside is not None
    train, control = sets.sides["train"], sets.sides["control"]
    verdict = judge(
        sets.sides["synthetic"], train, control, to_train=matched.to_train, beside=beside, fdr=0.05
    )
    leaked = np.zeros(len(train.identities), dtype=bool)
    leaked[train.identity[sets.leaked]] = True
    counts = {}

    def note(rule: str, level: float, found: np.ndarray) -> None:
        wrong = int(np.count_nonzero(found & ~leaked))
        named = int(np.count_nonzero(found))
        counts[rule, level] = named, wrong, named - wrong

    for level in LEVELS:
        note("spolia", level, verdict.decision.q <= level)
    plain = _plain(matched.to_train, beside.to_control, sets, verdict.ratio)
    for level in LEVELS:
        note("plain competition", level, plain <= level)
    best = matched.to_train.similarities[:, 0]
    for fmr, threshold in naive.items():
        found = np.zeros(leaked.size, dtype=bool)
        found[train.identity[matched.to_train.indices[best >= threshold, 0]]] = True
        note("matcher", fmr, found)
    return Outcome(
        int(leaked.sum()),
        counts,
        _bound_held(verdict, leaked),
        verdict.rule.borrowed,
        _clean_p(verdict, sets),
    )


def _plain(to_train: Neighbours, to_control: Neighbours, sets: Sets, ratio: float) -> Float64:
    """The q of every train identity by cosine and control alone."""
    train, control = sets.sides["train"], sets.sides["control"]
    contest = compete(
        Nearest(to_train.similarities[:, 0], train.identity[to_train.indices[:, 0]]),
        Nearest(to_control.similarities[:, 0], control.identity[to_control.indices[:, 0]]),
        n_train=len(train.identities),
        n_control=len(control.identities),
    )
    return decide(contest.train_scores, contest.control_scores, ratio=ratio, fdr=0.05).q


def _bound_held(verdict: Verdict, leaked: np.ndarray) -> bool:
    scores = verdict.contest.train_scores
    found = curve(
        scores, verdict.contest.control_scores, ratio=verdict.ratio, borrowed=verdict.borrowed
    )
    false = np.array([np.count_nonzero((scores >= t) & ~leaked) for t in found.thresholds])
    return bool(np.all(false <= found.false_at_most))


def _clean_p(verdict: Verdict, sets: Sets) -> Float64:
    scored = verdict.scored
    p = single_case_p(scored.train_score, scored.control_score, ratio=verdict.ratio)
    return p[sets.clean]


def interval(values: list[float]) -> str:
    """Mean over draws and its 95 % interval."""
    mean, error = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return f"{mean:.3f} ({max(0.0, mean - error):.3f} to {min(1.0, mean + error):.3f})"


def _face(task: tuple[People, Cell, int, dict[float, float]]) -> Outcome:
    people, cell, seed, naive = task
    return run(draw(people, cell, seed), naive)


def _digit(task: tuple[DigitsCell, int, dict[float, float]]) -> Outcome:
    cell, seed, naive = task
    return run(draw_digits(cell, seed), naive)


def report(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> None:
    n = len(outcomes)
    held = exact_rate(sum(one.bound_held for one in outcomes), n)
    lent = sum(one.borrowed for one in outcomes)
    print(f"\n### {cell}\n")
    print(f"FDP bound held in {held.count} of {n}; strangers counted in {lent} of {n}.\n")
    print(
        "| rule | asked | draws that name somebody | named | false share | share of leaks named |"
    )
    print("|---|---|---|---|---|---|")
    for rule, level in outcomes[0].counts:
        counts = [one.counts[rule, level] for one in outcomes]
        some = exact_rate(sum(named > 0 for named, _, _ in counts), n)
        asked = f"FMR {level:g}" if rule == "matcher" else f"{level:.0%}"
        share = interval([wrong / max(1, named) for named, wrong, _ in counts])
        power = "-"
        if any(one.leaks for one in outcomes):
            power = interval([c[2] / one.leaks for c, one in zip(counts, outcomes, strict=True)])
        named = float(np.mean([named for named, _, _ in counts]))
        print(
            f"| {rule} | {asked} | {some.count} of {n} ({some.low:.3f} to {some.high:.3f}) | "
            f"{named:.1f} | {share} | {power} |",
            flush=True,
        )


def uniform(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> None:
    """Test the p-values of clean records, one random record of each draw: these are independent."""
    rng = np.random.default_rng(0)
    pooled = np.concatenate([one.clean_p for one in outcomes])
    one_each = np.array([rng.choice(one.clean_p) for one in outcomes])
    quantiles = ", ".join(f"{np.mean(pooled <= at):.3f} at {at}" for at in (0.01, 0.05, 0.1, 0.5))
    print(
        f"| {cell} | {pooled.size:,} | {kstest(pooled, 'uniform').statistic:.4f} | "
        f"{kstest(one_each, 'uniform').pvalue:.2f} | {quantiles} |"
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks honesty", description=__doc__)
    parser.add_argument("card", type=Path, nargs="?", default=CARD, metavar="CARD")
    parser.add_argument("faces", type=Path, nargs="?", default=FACES, metavar="FACES.zip")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of cells; default all")
    parser.add_argument("--on", choices=("digits", "faces", "both"), default="both")
    asked = parser.parse_args(arguments)
    seeds = range(asked.seeds)
    clean = []
    with Pool(2) as pool:
        if asked.on != "faces":
            rows = rows_of_digits()
            naive = thresholds(rows, np.arange(len(rows)), FMRS)
            print(f"{asked.seeds} draws a cell of digits; thresholds of the matcher: {naive}")
            for cell in _chosen(DIGITS, asked.only):
                tasks = [(cell, seed, naive) for seed in seeds]
                clean += _report(cell, pool.map(_digit, tasks, chunksize=1))
        if asked.on != "digits" and asked.faces.exists():
            people = people_of(asked.card, asked.faces)
            naive = thresholds(*people.every_photo(), FMRS)
            print(f"\n{asked.seeds} draws a cell of faces; thresholds of the matcher: {naive}")
            for cell in _chosen(CELLS, asked.only):
                tasks = [(people, cell, seed, naive) for seed in seeds]
                clean += _report(cell, pool.map(_face, tasks, chunksize=1))
        elif asked.on != "digits":
            print(f"\nNo faces: there is no {asked.faces}.")
    print("\n### p-values of clean records\n")
    print("| cell | p-values | largest deviation | KS p, one record a draw | share at or below |")
    print("|---|---|---|---|---|")
    for cell, outcomes in clean:
        uniform(cell, outcomes)


def _chosen(cells: tuple, only: list[int] | None) -> list:
    return [cell for i, cell in enumerate(cells) if not only or i in only]


def _report(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> list:
    """Print the table of a cell; return it where nothing leaked, for the table of p-values."""
    report(cell, outcomes)
    return [] if outcomes[0].leaks else [(cell, outcomes)]
