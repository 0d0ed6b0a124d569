"""Known wrong ways to draw a deck; each must break the law that the right way passes."""

import numpy as np
import pytest

from spolia.review.drawing import draw
from spolia.review.known import alike_rows
from tests.spec import deck_laws as laws


def with_the_most_similar_first(strata, findings, pairs, rng):
    drawn = draw(strata, findings, pairs, rng)
    return [rows[: some.size] for rows, some in zip(strata, drawn, strict=True)]


def with_replacement(strata, findings, pairs, rng):
    drawn = draw(strata, findings, pairs, rng)
    return [rng.choice(rows, some.size) for rows, some in zip(strata, drawn, strict=True)]


def with_the_similar_more_often(strata, findings, pairs, rng):
    drawn = draw(strata, findings, pairs, rng)
    found = []
    for rows, some in zip(strata, drawn, strict=True):
        weight = np.linspace(2.0, 1.0, rows.size)
        found.append(rng.choice(rows, some.size, replace=False, p=weight / weight.sum()))
    return found


def without_strata(strata, findings, pairs, rng):
    rows = rng.permutation(np.concatenate(strata))[:pairs]
    return [rows[np.isin(rows, some)] for some in strata]


def at_random(similarity, free, wanted, number):
    return np.random.default_rng(0).permutation(np.flatnonzero(free))[:number].tolist()


def the_most_similar(similarity, free, wanted, number):
    return np.argsort(-similarity)[:number].tolist()


def all_like_the_middle(similarity, free, wanted, number):
    return alike_rows(similarity, free, np.array([np.median(wanted)]), number)


def one_pair_again_and_again(similarity, free, wanted, number):
    aims = np.quantile(wanted, (np.arange(number) + 0.5) / number)
    return [int(np.argmin(np.abs(similarity - aim))) for aim in np.round(aims, 2)]


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (laws.law_every_pair_of_a_stratum_is_drawn_as_often, with_the_most_similar_first),
        (laws.law_every_pair_of_a_stratum_is_drawn_as_often, with_the_similar_more_often),
        (laws.law_half_are_findings_and_none_is_drawn_twice, with_replacement),
        (laws.law_half_are_findings_and_none_is_drawn_twice, without_strata),
        (laws.law_strangers_are_as_alike_as_wanted, at_random),
        (laws.law_strangers_are_as_alike_as_wanted, the_most_similar),
        (laws.law_strangers_are_as_alike_as_wanted, all_like_the_middle),
        (laws.law_strangers_are_as_alike_as_wanted, one_pair_again_and_again),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
