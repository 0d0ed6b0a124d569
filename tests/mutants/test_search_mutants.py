"""Known wrong versions of a search; each must break a law."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.auditing.asked import stand_out
from spolia.auditing.exclude import keep
from spolia.auditing.identity_scores import Photos, samples_of, score_photos
from spolia.auditing.options import Options
from spolia.auditing.search_answer import answer_search
from spolia.core.progress import silent
from spolia.core.seeds import stream
from tests.spec import search_laws as laws


def without_the_guard_of_copies(sets, terms, options, watch):
    """Copies of a photo count as photos: as if each identity had none of another's."""
    found = answer_search(sets, replace(terms, threshold=None), options, watch)
    return with_left_out(found, sets, twice=4)


def with_left_out(found, sets, **counts):
    said = replace(found.summary.left_out, **counts)
    photos = len(sets["queries"]) if "twice" not in counts else 1
    return replace(found, summary=replace(found.summary, left_out=said, photos=photos))


def with_the_best_photo(sets, terms, options, watch):
    """The query's best photo beside one photo of each non-member."""
    found = answer_search(sets, terms, options, watch)
    base = sets["synthetic"]
    asked, pool = (
        score_photos(sets[role], base, samples_of(base), Options(threads=1), silent)
        for role in ("queries", "nonmembers")
    )
    best = asked.only(np.array([int(np.argmax(asked.score))]), "")
    stands = stand_out(best, pool, seed=0, fdr=terms.level)
    return with_p(found, float(stands.p[0]))


def with_p(found, p):
    first, *others = found.summary.answers
    person = replace(first.person, p=p)
    return replace(
        found,
        summary=replace(found.summary, answers=(replace(first, person=person), *others)),
    )


def never_counting_oneself(sets, terms, options, watch):
    """p = (those as high) / n: may be 0."""
    found = answer_search(sets, terms, options, watch)
    person = found.summary.answers[0].person
    if person is None:
        return found
    n = person.beside
    return with_p(found, (person.p * (1 + n) - 1) / n)


def always_standing_out(sets, terms, options, watch):
    found = answer_search(sets, terms, options, watch)
    return replace(found, summary=replace(found.summary, outcome="found"))


def never_standing_out(sets, terms, options, watch):
    found = answer_search(sets, terms, options, watch)
    return replace(found, summary=replace(found.summary, outcome="not found"))


def drawn_by_name(sets, terms, options, watch):
    """Names decide which photos are compared where numbers are unequal."""
    found = answer_search(sets, terms, options, watch)
    base = sets["synthetic"]
    asked, pool = (
        by_name(score_photos(sets[role], base, samples_of(base), Options(threads=1), silent))
        for role in ("queries", "nonmembers")
    )
    p = stand_out(asked, pool, seed=0, fdr=terms.level).p
    at = found.people.column_names.index("p")
    return replace(found, people=found.people.set_column(at, "p", [p]))


def by_name(one):
    class Named(Photos):
        def drawn(self, seed):
            order = np.argsort(self.of.identity, kind="stable")
            own = np.split(self.score[order], np.cumsum(self.counts)[:-1])
            pairs = zip(self.of.identities, own, strict=True)
            return [stream(seed, name).permutation(some) for name, some in pairs]

    return Named(one.of, one.score, one.closest)


def keeping_everybody(sets, terms, options, watch):
    """Nobody leaves the pool, though the counts say so."""
    found = answer_search(sets, replace(terms, threshold=None), options, watch)
    return with_left_out(found, sets, asked=1, in_train=2)


def leaving_out_who_is_in_the_samples(sets, terms, options, watch):
    """Non-members that are themselves among the samples leave the pool: chance that is cut off."""
    near = score_photos(
        sets["nonmembers"], sets["synthetic"], None, Options(threads=1), silent
    ).closest.similarity
    one = sets["nonmembers"]
    gone = np.isin(one.identity, one.identity[near >= 0.97])
    kept = keep(one, np.flatnonzero(~gone), "")
    return answer_search({**sets, "nonmembers": kept}, terms, options, watch)


MUTANTS = [
    (without_the_guard_of_copies, laws.law_copies_of_one_photo_are_one_photo),
    (with_the_best_photo, laws.law_p_of_somebody_who_is_not_shown_is_uniform),
    (never_counting_oneself, laws.law_p_of_somebody_who_is_not_shown_is_uniform),
    (always_standing_out, laws.law_too_few_non_members_cannot_tell),
    (never_standing_out, laws.law_somebody_who_is_shown_stands_out),
    (drawn_by_name, laws.law_names_decide_nothing),
    (keeping_everybody, laws.law_whoever_is_asked_about_is_no_non_member),
    (keeping_everybody, laws.law_whoever_is_in_train_is_no_non_member),
    (leaving_out_who_is_in_the_samples, laws.law_whoever_is_in_train_is_no_non_member),
]


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=lambda one: one.__name__)
def test_a_law_kills_the_mutant(mutant, law):
    with pytest.raises(AssertionError):
        law(mutant)
