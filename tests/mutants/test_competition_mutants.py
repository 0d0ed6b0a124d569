"""Known wrong versions of the decision; each must break the law that the right one passes."""

from dataclasses import replace

import numpy as np
import pytest

from spolia.stats import competition, lean
from tests.spec.laws import (
    law_control_beats_a_tie,
    law_few_discoveries_are_never_named,
    law_hubs_do_not_make_evidence,
    law_no_leak_no_finding,
    law_small_control_is_corrected,
)


def without_the_plus_one(train, control, *, ratio, fdr):
    decision = competition.decide(train, control, ratio=ratio, fdr=fdr)
    best = -np.inf if control.size == 0 else control.max()
    return replace(decision, found=decision.found | (train > best))


def without_the_size_ratio(train, control, *, ratio, fdr):
    return competition.decide(train, control, ratio=1.0, fdr=fdr)


def with_a_fixed_threshold(train, control, *, ratio, fdr):
    decision = competition.decide(train, control, ratio=ratio, fdr=fdr)
    return replace(decision, found=train > 2.0)


def with_ties_for_train(train, control, *, n_train, n_control):
    nudged = competition.Nearest(np.nextafter(train.score, np.inf), train.identity)
    return competition.compete(nudged, control, n_train=n_train, n_control=n_control)


def with_every_unit_independent(train_wins, control_wins, *, ratio):
    ones = np.ones(int(train_wins.sum()), dtype=np.int64)
    others = np.ones(int(control_wins.sum()), dtype=np.int64)
    return lean.lean_to_train(ones, others, ratio=ratio)


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (law_no_leak_no_finding, without_the_plus_one),
        (law_no_leak_no_finding, with_a_fixed_threshold),
        (law_few_discoveries_are_never_named, without_the_plus_one),
        (law_small_control_is_corrected, without_the_size_ratio),
        (law_control_beats_a_tie, with_ties_for_train),
        (law_hubs_do_not_make_evidence, with_every_unit_independent),
    ],
    ids=lambda one: one.__name__,
)
def test_mutant_is_killed(law, mutant):
    with pytest.raises(AssertionError):
        law(mutant)
