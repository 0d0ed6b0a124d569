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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pool
from pathlib import Path
from typing import TypeVar

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
from spolia.auditing.matching import Matched, match_all
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.verdict import Verdict, judge
from spolia.core.progress import silent
from spolia.core.types import Float64
from spolia.stats.bounds import curve
from spolia.stats.competition import Nearest, compete, decide
from spolia.stats.conformal import single_case_p

C = TypeVar("C", Cell, DigitsCell)

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


def judged(sets: Sets) -> tuple[Sets, Matched, Verdict]:
    """Judge one draw as an audit does: near-duplicates are searched first."""
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
    assert matched.control is not None
    train, control = sets.sides["train"], sets.sides["control"]
    verdict = judge(
        sets.sides["synthetic"],
        train,
        control,
        to_train=matched.to_train,
        beside=matched.control,
        fdr=0.05,
    )
    return sets, matched, verdict


def leaked_identities(sets: Sets) -> np.ndarray:
    """Return whether each identity of train leaked."""
    train = sets.sides["train"]
    leaked = np.zeros(len(train.identities), dtype=bool)
    leaked[train.identity[sets.leaked]] = True
    return leaked


def run(sets: Sets, naive: dict[float, float]) -> Outcome:
    """Judge one draw by every rule."""
    sets, matched, verdict = judged(sets)
    train, beside = sets.sides["train"], matched.control
    assert beside is not None
    leaked = leaked_identities(sets)
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
    p = single_case_p(scored.train.score, scored.control.ranked, ratio=verdict.ratio)
    return p[sets.clean]


def share(value: float) -> str:
    """A share without the zero before the point."""
    return "0" if value == 0.0 else f"{value:.3f}".removeprefix("0")


def interval(values: list[float]) -> str:
    """Mean over draws and its 95 % interval."""
    mean, error = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    if error == 0.0:
        return share(mean)
    low, high = max(0.0, mean - error), min(1.0, mean + error)
    return f"{share(mean)} ({low:.3f} to {high:.3f})".replace("0.", ".")


def _face(task: tuple[People, Cell, int, dict[float, float]]) -> Outcome:
    people, cell, seed, naive = task
    return run(draw(people, cell, seed), naive)


def _digit(task: tuple[DigitsCell, int, dict[float, float]]) -> Outcome:
    cell, seed, naive = task
    return run(draw_digits(cell, seed), naive)


TRUTH = (
    "| planted | strangers counted | asked | draws that name somebody | named | false share "
    "| share of leaks named | by the plain rule | bound held |"
)
MATCHER = "| planted | FMR | named | false share | share of leaks named |"
CLEAN = (
    "| planted | p-values | largest deviation | KS p, one record a draw "
    "| at or below .01, .05, .1, .5 |"
)


def truth_lines(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> list[str]:
    """What spolia names, beside the plain competition, with 95 % intervals over draws."""
    n = len(outcomes)
    lines = []
    for level in LEVELS:
        named, false, power = _shares("spolia", level, outcomes)
        some = sum(one.counts["spolia", level][0] > 0 for one in outcomes)
        plain = _shares("plain competition", level, outcomes)[2]
        first = level == LEVELS[0]
        lent = f"{sum(one.borrowed for one in outcomes)} of {n}" if first else ""
        held = f"{sum(one.bound_held for one in outcomes)} of {n}" if first else ""
        lines.append(
            f"| {cell if first else ''} | {lent} | {level:.0%} | {some} of {n} | {named:.1f} | "
            f"{false} | {power} | {plain.split(' ')[0]} | {held} |"
        )
    return lines


def matcher_lines(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> list[str]:
    """What the thresholds of a matcher name."""
    lines = []
    for fmr in FMRS:
        named, false, power = _shares("matcher", fmr, outcomes)
        first = cell if fmr == FMRS[0] else ""
        lines.append(f"| {first} | {fmr:g} | {named:.1f} | {false} | {power} |")
    return lines


def _shares(rule: str, level: float, outcomes: list[Outcome]) -> tuple[float, str, str]:
    """Return how many a rule names, the share of false ones, and the share of leaks named."""
    counts = [one.counts[rule, level] for one in outcomes]
    false = interval([wrong / max(1, named) for named, wrong, _ in counts])
    leaks = [one.leaks for one in outcomes]
    power = "–"
    if all(leaks):
        power = interval([right / n for (_, _, right), n in zip(counts, leaks, strict=True)])
    return float(np.mean([named for named, _, _ in counts])), false, power


def clean_line(cell: Cell | DigitsCell, outcomes: list[Outcome]) -> str:
    """Test the p-values of clean records, one random record of each draw: these are independent."""
    rng = np.random.default_rng(0)
    pooled = np.concatenate([one.clean_p for one in outcomes])
    one_each = np.array([rng.choice(one.clean_p) for one in outcomes])
    at = ", ".join(share(float(np.mean(pooled <= level))) for level in (0.01, 0.05, 0.1, 0.5))
    return (
        f"| {cell} | {pooled.size:,} | {share(kstest(pooled, 'uniform').statistic)} | "
        f"{kstest(one_each, 'uniform').pvalue:.2f} | {at} |"
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
    with Pool(2) as pool:
        if asked.on != "faces":
            rows = rows_of_digits()
            naive = thresholds(rows, np.arange(len(rows)), FMRS)
            print(f"## Digits, {asked.seeds} draws; thresholds of the matcher: {naive}\n")
            _print_tables(
                _chosen(DIGITS, asked.only),
                lambda cell: pool.map(_digit, [(cell, i, naive) for i in seeds], chunksize=1),
            )
        if asked.on != "digits" and asked.faces.exists():
            people = people_of(asked.card, asked.faces)
            naive = thresholds(*people.every_photo(), FMRS)
            print(f"## Faces, {asked.seeds} draws; thresholds of the matcher: {naive}\n")
            _print_tables(
                _chosen(CELLS, asked.only),
                lambda cell: pool.map(
                    _face, [(people, cell, i, naive) for i in seeds], chunksize=1
                ),
            )
        elif asked.on != "digits":
            print(f"No faces: there is no {asked.faces}.")


def _chosen(cells: Sequence[C], only: list[int] | None) -> list[C]:
    return [cell for i, cell in enumerate(cells) if not only or i in only]


def _head(names: str) -> list[str]:
    return [names, "|---" * (names.count("|") - 1) + "|"]


def _print_tables(cells: list[C], outcomes_of: Callable[[C], list[Outcome]]) -> None:
    """Print the tables of some cells: the first line by line, as long as it takes."""
    print(*_head(TRUTH), sep="\n", flush=True)
    matcher, clean = _head(MATCHER), _head(CLEAN)
    for cell in cells:
        outcomes = outcomes_of(cell)
        print(*truth_lines(cell, outcomes), sep="\n", flush=True)
        matcher += matcher_lines(cell, outcomes)
        if not any(one.leaks for one in outcomes):
            clean.append(clean_line(cell, outcomes))
    print("", *matcher, "", *clean, "", sep="\n", flush=True)
