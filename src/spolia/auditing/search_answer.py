"""The answer to a search whose sets are embedded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spolia.auditing.asked import Asked, stand_out
from spolia.auditing.identity_checks import check_samples, notes_of_samples
from spolia.auditing.identity_said import outcome_of
from spolia.auditing.identity_scores import Photos, samples_of, score_from
from spolia.auditing.options import Options
from spolia.auditing.record import Stopwatch
from spolia.auditing.search_near import find_nearest, near_records, usual_nearness
from spolia.auditing.search_pool import Pool, fit_pool, once
from spolia.auditing.search_said import (
    NO_NONMEMBERS,
    sentence_of_answer,
    sentence_of_copies,
    sentence_of_many_photos,
)
from spolia.auditing.sets import AuditSet
from spolia.core.membership import Told
from spolia.core.searching import SEARCH_SCHEMA, Answer, LeftOut, Person, SearchSummary
from spolia.core.types import Float64
from spolia.core.version import VERSION

SEARCHED = ("synthetic", "train")
"""Roles that are searched, in the order of the answers."""

PEOPLE = pa.schema(
    [
        ("set", pa.string()),
        ("identity", pa.string()),
        ("photos", pa.int64()),
        ("score", pa.float64()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("compared", pa.int64()),
        ("beside", pa.int64()),
        ("copies", pa.int64()),
        ("nearest", pa.string()),
        ("similarity", pa.float64()),
    ]
)
"""One row per searched set and identity that is asked about."""


_DIGITS = 9


@dataclass(frozen=True)
class Terms:
    """How a search is answered."""

    one: bool
    """Whether one person is asked about."""
    top: int
    """Records to name for each identity."""
    level: float
    seed: int
    threshold: float | None
    any_judge: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Found:
    """A search, in numbers and in tables."""

    summary: SearchSummary
    people: pa.Table
    nearest: pa.Table


def answer_search(
    sets: Mapping[str, AuditSet], terms: Terms, options: Options, watch: Stopwatch
) -> Found:
    """Say who of ``queries`` stands out in ``synthetic`` and, where it is there, in ``train``.

    Raises
    ------
    UsageError
        If the synthetic set has a single record.
    """
    check_samples(sets["synthetic"])
    searched = {role: sets[role] for role in SEARCHED if role in sets}
    asked = once(sets["queries"], terms.threshold, options, watch)
    pool = None
    if "nonmembers" in sets and not _several_by_a_copy_judge(asked, terms):
        pool = fit_pool(sets["nonmembers"], asked, searched, terms.threshold, options, watch)
    looked = [_look(asked, base, pool, terms, options, watch) for base in searched.values()]
    answers = tuple(answer for answer, _, _ in looked)
    summary = SearchSummary(
        schema=SEARCH_SCHEMA,
        version=VERSION,
        outcome=answers[0].outcome,
        sentence=answers[0].sentence,
        notes=(*terms.notes, *_notes(sets, asked, pool, answers, terms)),
        level=terms.level,
        seed=terms.seed,
        duplicates=terms.threshold,
        any_judge=terms.any_judge,
        people=None if terms.one else len(asked.identities),
        photos=len(asked),
        left_out=LeftOut(
            twice=len(sets["queries"]) - len(asked),
            asked=0 if pool is None else pool.asked,
            in_train=0 if pool is None else pool.in_train,
        ),
        sets=tuple(one.summary for one in sets.values()),
        model=sets["synthetic"].model,
        answers=answers,
    )
    return Found(
        summary,
        pa.concat_tables([people for _, people, _ in looked]),
        pa.concat_tables([nearest for _, _, nearest in looked]),
    )


def _several_by_a_copy_judge(asked: AuditSet, terms: Terms) -> bool:
    several = len(asked) > len(asked.identities)
    return asked.model.kind == "copy" and several and not terms.any_judge


def _look(
    asked: AuditSet,
    base: AuditSet,
    pool: Pool | None,
    terms: Terms,
    options: Options,
    watch: Stopwatch,
) -> tuple[Answer, pa.Table, pa.Table]:
    progress = watch.staged(f"search {base.role}")
    near = find_nearest(asked, base, terms.top, options, progress)
    scored = score_from(asked, near.closest, samples_of(base))
    stands = (
        stand_out(scored, pool.scored[base.role], seed=terms.seed, fdr=terms.level)
        if pool is not None and pool.scored
        else None
    )
    copy = near.copies(terms.threshold)
    count = int(np.count_nonzero(copy))
    nearest = near.table(asked, base, terms.threshold)
    person = _person(scored, stands) if terms.one and stands is not None else None
    outcome, sentence = _said(base.role, asked, pool, stands, person, terms)
    usual = None
    if terms.one and stands is None:
        best = float(near.closest.similarity.max())
        usual = usual_nearness(base, best, options, watch.staged(f"compare {base.role}"))
    answer = Answer(
        set=base.role,
        outcome=outcome,
        sentence=_with_copies(base.role, count, len(asked), sentence, told=stands is not None),
        asked=None if stands is None else stands.said,
        person=person,
        copies=count,
        nearest=near_records(nearest) if terms.one else (),
        usual=usual,
    )
    copies = np.bincount(asked.identity, weights=copy).astype(np.int64)
    return answer, _people(scored, base, stands, copies), nearest


def _with_copies(where: str, copies: int, photos: int, sentence: str, *, told: bool) -> str:
    """Add to the answer that photos are themselves in there: in front, where that is all of it."""
    if not copies:
        return sentence
    also = sentence_of_copies(where, copies, photos)
    return f"{sentence} {also}" if told else f"{also} {sentence}"


def _said(
    where: str,
    asked: AuditSet,
    pool: Pool | None,
    stands: Asked | None,
    person: Person | None,
    terms: Terms,
) -> tuple[Told, str]:
    if stands is not None:
        outcome = outcome_of(None, stands.said)
        return outcome, sentence_of_answer(where, outcome, stands.said, person, terms.level)
    if pool is not None:
        return "cannot tell", (
            f"Cannot tell: all {pool.given:,} non-members were left out, {pool.in_train:,} of them "
            f"because they are in train, and {pool.asked:,} because a photo of theirs is one that "
            "is asked with; give others."
        )
    if _several_by_a_copy_judge(asked, terms):
        return "cannot tell", sentence_of_many_photos(asked.model.name)
    return "cannot tell", NO_NONMEMBERS


def _person(scored: Photos, stands: Asked) -> Person:
    return Person(
        p=float(stands.p[0]),
        score=float(_means(scored)[0]),
        compared=int(stands.photos[0]),
        beside=int(stands.pool[0]),
    )


def _means(scored: Photos) -> Float64:
    """Return the scores, rounded as p compares them: the order of the photos must not show."""
    return np.round(scored.means, _DIGITS)


def _people(scored: Photos, base: AuditSet, stands: Asked | None, copies: object) -> pa.Table:
    best, n = scored.best(), scored.counts.size
    nothing: list[object] = [None] * n
    p, q, compared, beside = (
        (nothing,) * 4 if stands is None else (stands.p, stands.q, stands.photos, stands.pool)
    )
    return pa.table(
        [
            [base.role] * n,
            list(scored.of.identities),
            scored.counts,
            _means(scored),
            p,
            q,
            compared,
            beside,
            copies,
            [base.ids[i] for i in scored.closest.row[best].tolist()],
            scored.closest.similarity[best],
        ],
        schema=PEOPLE,
    )


def _notes(
    sets: Mapping[str, AuditSet],
    asked: AuditSet,
    pool: Pool | None,
    answers: Iterable[Answer],
    terms: Terms,
) -> list[str]:
    """Return what a reader must know of the photos, the non-members and the judge."""
    notes = notes_of_samples(sets["synthetic"])
    if terms.threshold is None:
        notes.append("Photos that are in a set themselves were not searched for.")
    if len(asked) < len(sets["queries"]):
        notes.append(
            f"{len(sets['queries']) - len(asked):,} photos are near-duplicates of another of the "
            "same person and count once."
        )
    return [*notes, *_of_pool(pool), *(_of_person(asked, answers) if terms.one else [])]


def _of_pool(pool: Pool | None) -> list[str]:
    if pool is None:
        return []
    counts = {
        "a photo of theirs is one that is asked with": pool.asked,
        "they are in train, by a near-duplicate or by name": pool.in_train,
    }
    return [
        f"{count:,} of {pool.given:,} non-members were left out, because {why}."
        for why, count in counts.items()
        if count
    ]


def _of_person(asked: AuditSet, answers: Iterable[Answer]) -> list[str]:
    person = next((one.person for one in answers if one.person is not None), None)
    if person is None:
        return []
    notes = [
        "This p-value is of one question. Who asks about many people asks with --list, which "
        "corrects for it."
    ]
    if person.compared < len(asked):
        notes.append(
            f"p is from {person.compared:,} of {len(asked):,} photos, drawn at random: fewer than "
            "half of the non-members have more."
        )
    return notes
