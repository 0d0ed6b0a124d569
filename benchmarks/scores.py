"""What people are compared by, on real faces with planted truth: the tables of the docs.

``python -m benchmarks scores [--draws 60] [--seeds 5]`` prints two.

The first: which share of the leaks reaches the score that 2.5 of 400 clean records reach, over
draws as in `benchmarks.honesty`.

The second: whether somebody with a large share of all records is found again. Each person with
eight or more photos is in turn in train with five of them; the others of theirs are the leaks.
Photos of other people fill train and the control, so few that five are the given share of all. A
leak is found where its score is over those of 99 % of the strangers: one photo each of at most 400
people in neither set.
"""

import argparse
from dataclasses import replace

import numpy as np

from benchmarks.honesty import interval, share
from benchmarks.real import CARD, FACES
from benchmarks.truth import CLEAN, Cell, People, draw, people_of
from spolia import Embeddings
from spolia.auditing.closest import Scale
from spolia.auditing.match import NEIGHBOURS, Neighbours
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.types import Float64, Rows
from spolia.search.join import join
from spolia.stats.scores import adaptive_s_norm, moments, similarity_to_all, standard_scores

RULES = (
    "cosine to the nearest photo",
    "adaptive S-norm, 200 nearest of the control as cohort of both sides",
    "adaptive S-norm, 400 nearest of train and control, and of the records",
    "T-norm over all of train and control, the person's own photos among them",
    "T-norm over all others",
    "the same, half by template (spolia)",
)
FAINT = (0.0, 0.4, 0.5)
SHARES = (0.005, 0.02, 0.05, 0.1, 0.2)
_LEAKS, _REACHED = 50, 2.5
_OF_CONTROL, _OF_ALL = 200, 400
_PHOTOS, _HELD, _STRANGERS = 5, 3, 400


def by_rule(records: Rows, train: AuditSet, control: AuditSet) -> list[Float64]:
    """Score records to train by each of the rules."""
    near = tuple(_nearest(records, one) for one in (train, control))
    scale = Scale.of(train, control)
    by_photo = Scale(*(replace(one, lengths=None) for one in (scale.train, scale.control)), None)
    cosine = by_photo.score(records, *near).train.score
    asked, known, unknown = (one[:].astype(float) for one in (records, train.rows, control.rows))
    both = np.concatenate([known, unknown])
    of_control = adaptive_s_norm(
        asked @ known.T, asked @ unknown.T, known @ unknown.T, nearest=_OF_CONTROL
    )
    of_all = adaptive_s_norm(asked @ known.T, asked @ both.T, known @ asked.T, nearest=_OF_ALL)
    to_all = similarity_to_all(records, moments(train.rows, control.rows))
    return [
        cosine,
        of_control.max(axis=1),
        of_all.max(axis=1),
        standard_scores(cosine, *to_all.mean_and_deviation()),
        replace(by_photo, pool=scale.pool).score(records, *near).train.score,
        scale.score(records, *near).train.score,
    ]


def _nearest(records: Rows, one: AuditSet) -> Neighbours:
    found = join(records, one.rows, k=min(NEIGHBOURS, len(one)))
    return Neighbours(found.indices, found.similarities)


def reached(people: People, faint: float, draws: int) -> list[float]:
    """Return for each rule which share of the leaks reaches what few clean records reach."""
    leaks, clean = [], []
    for seed in range(draws):
        sides = draw(people, Cell(leaks=_LEAKS, faint=faint), seed).sides
        scores = np.array(by_rule(sides["synthetic"].rows, sides["train"], sides["control"]))
        leaks.append(scores[:, :_LEAKS])
        clean.append(scores[:, _LEAKS:])
    level = np.quantile(np.hstack(clean), 1.0 - _REACHED / CLEAN, axis=1)
    return [float(one) for one in np.mean(np.hstack(leaks) >= level[:, None], axis=1)]


def found(people: People, name: str, part: float, seed: int) -> list[float]:
    """Return for each rule which share of a person's other photos it finds."""
    rng = np.random.default_rng(seed)
    own = rng.permutation(people.photos[name])
    others = [one for one in rng.permutation(sorted(people.photos)).tolist() if one != name]
    photos = [(one, i) for one in others for i in people.photos[one]]
    filled = round(_PHOTOS / part) - _PHOTOS
    half = (filled - _PHOTOS) // 2
    train = _set("train", people, [(name, i) for i in own[:_PHOTOS]] + photos[:half])
    control = _set("control", people, photos[half:filled])
    met = {one for one, _ in photos[:filled]}
    strangers = [people.photos[one][0] for one in others if one not in met][:_STRANGERS]
    leaks = own.size - _PHOTOS
    scores = by_rule(people.rows[[*own[_PHOTOS:], *strangers]], train, control)
    return [float(np.mean(one[:leaks] > np.quantile(one[leaks:], 0.99))) for one in scores]


def _set(role: str, people: People, photos: list[tuple[str, int]]) -> AuditSet:
    names = [one for one, _ in photos]
    rows = people.rows[[i for _, i in photos]]
    return prepare(role, Embeddings(rows, None, names), people.model, fingerprint=role)


def _print_table(head: str, columns: dict[str, list[str]]) -> None:
    print(f"\n| {head} | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for rule, *cells in zip(RULES, *columns.values(), strict=True):
        print(f"| {rule} | " + " | ".join(cells) + " |")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scores", description=__doc__)
    parser.add_argument("--draws", type=int, default=60, help="of the first table")
    parser.add_argument("--seeds", type=int, default=5, help="draws of the second for each person")
    asked = parser.parse_args(arguments)
    people = people_of(CARD, FACES)
    columns = {f"a = {a:g}": reached(people, a, asked.draws) for a in FAINT}
    _print_table("compared by", {a: [share(one) for one in of] for a, of in columns.items()})
    several = [one for one, own in people.photos.items() if own.size >= _PHOTOS + _HELD]
    leaks = sum(people.photos[one].size - _PHOTOS for one in several)
    print(
        f"\n{leaks} photos of {len(several)} people, {asked.seeds} draws, 95 % intervals by person"
    )
    cells = {}
    for part in SHARES:
        draws = [[found(people, one, part, i) for i in range(asked.seeds)] for one in several]
        over_people = np.mean(draws, axis=1).T
        cells[f"{part:.1%}"] = [interval(one.tolist()) for one in over_people]
    _print_table("the person's share of all photos", cells)
