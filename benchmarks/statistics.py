"""What an identity is scored by: its best record, or the mean of its best few.

``python -m benchmarks statistics [--seeds 60]`` prints the table of ``docs/methods/verdict.md``:
real faces with planted truth, as in `benchmarks.honesty`, judged by the control alone at 5 %.
"""

import argparse
from multiprocessing import Pool

import numpy as np

from benchmarks.honesty import interval, judged, leaked_identities
from benchmarks.real import CARD, FACES
from benchmarks.truth import Cell, People, draw, people_of
from spolia.stats.competition import decide, mean_of_best

CELLS = (
    Cell(leaks=50),
    Cell(leaks=50, images=10),
    Cell(leaks=50, faint=0.5, images=10),
)
TOPS = (1, 2, 3, 5, 10)


def shares(task: tuple[People, Cell, int]) -> list[tuple[float, float]]:
    """Return for each number of records the false share and the share of leaks named."""
    people, cell, seed = task
    sets, _, verdict = judged(draw(people, cell, seed))
    leaked, contest = leaked_identities(sets), verdict.contest
    train, control = verdict.scored.nearest()
    least = float(np.maximum(train.score, control.score).min())
    won, lost = contest.won_by_train, ~contest.won_by_train
    found = []
    for top in TOPS:
        scores = (
            mean_of_best(side.identity[rows], side.score[rows], n, top=top, least=least)
            for side, rows, n in (
                (train, won, contest.train_scores.size),
                (control, lost, contest.control_scores.size),
            )
        )
        named = decide(*scores, ratio=verdict.ratio, fdr=0.05).found
        wrong, right = np.count_nonzero(named & ~leaked), np.count_nonzero(named & leaked)
        found.append((wrong / max(1, wrong + right), right / cell.leaks))
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks statistics", description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    asked = parser.parse_args(arguments)
    people = people_of(CARD, FACES)
    print("| planted | scored by | false share | share of leaks named |\n|---|---|---|---|")
    with Pool(2) as pool:
        for cell in CELLS:
            draws = pool.map(shares, [(people, cell, seed) for seed in range(asked.seeds)])
            for top, of_top in zip(TOPS, zip(*draws, strict=True), strict=True):
                false, power = (interval(list(one)) for one in zip(*of_top, strict=True))
                name = "the best record" if top == 1 else f"the mean of the best {top}"
                print(f"| {cell if top == 1 else ''} | {name} | {false} | {power} |", flush=True)
