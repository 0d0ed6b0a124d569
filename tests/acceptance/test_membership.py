"""Set-only methods on the digits of the demo, of which it is known what was copied."""

import numpy as np
import pytest

import spolia
from spolia.auditing.membership_arrays import arrays_of, fixed_of
from spolia.auditing.membership_methods import RECORDS, SETS, both_ways, record_scores
from spolia.auditing.membership_sets import sides_of
from spolia.auditing.membership_table import tell
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.core.progress import silent
from spolia.embedding import open_embedder
from spolia.lab.digits import digits, halves, to_images, to_rows
from spolia.lab.oracle import Oracle, sample, sample_leaky
from spolia.stats.roc import threshold_at

NAMES = (*RECORDS, *SETS)


def rows_of(images):
    judge = open_embedder("dct")
    return np.stack([judge.embed(np.stack([one] * 3, axis=-1)) for one in images])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    train, control = (digits()[half] for half in halves(0))
    oracle = Oracle(to_rows(train), 0.75)
    leaky = sample_leaky(oracle, share=0.3, count=500, seed=0)
    clean = sample(Oracle(to_rows(train), 0.0), count=500, seed=0)
    model = open_embedder("dct").summary
    sets = {
        role: prepare(role, spolia.Embeddings(rows_of(one)), model, fingerprint=role)
        for role, one in (
            ("train", train),
            ("control", control),
            ("synthetic", to_images(leaky.samples)),
        )
    }
    folder = tmp_path_factory.mktemp("duplicates")
    sides = sides_of(folder, sets, 0.998, 0, Options(), silent)
    fixed = fixed_of(sides, 0, Options(), silent)
    arrays = {
        "leaky": arrays_of(fixed, sets["synthetic"].rows, Options(), silent),
        "clean": arrays_of(fixed, rows_of(to_images(clean)), Options(), silent),
    }
    return arrays, leaky.copied


def test_of_a_generator_that_copies_all_methods_but_one_see_it(world):
    arrays, _ = world
    told = tell(arrays["leaky"], 0, exchanges=239)
    blind = [name for name in NAMES if told.adjusted[name] > 0.05]
    # Nearly every digit has samples within the median distance, copied or not.
    assert blind == ["monte_carlo"]


def test_of_a_generator_that_copies_nothing_no_method_sees_a_leak(world):
    arrays, _ = world
    told = tell(arrays["clean"], 0, exchanges=239)
    assert min(told.adjusted.values()) > 0.05


def test_the_samples_that_are_marked_are_those_that_copy(world):
    arrays, copied = world
    fixed = arrays["leaky"].fixed
    found = both_ways(arrays["leaky"], fixed.equal_member)[0]
    # Samples that copy a record of the equal part of train.
    there = np.isin(copied, fixed.equal[fixed.equal_member])
    for marked in (found.third, found.average):
        assert marked[there].mean() > 0.95
        assert marked[~there].mean() < 0.05


def test_the_records_on_top_are_those_that_were_copied(world):
    arrays, copied = world
    fixed = arrays["leaky"].fixed
    score = record_scores(arrays["leaky"])["gan_leaks"]
    hits = score > threshold_at(score[~fixed.member], 0.01)
    true = np.unique(copied[copied >= 0])
    assert true.size == 148
    assert np.isin(true, np.flatnonzero(hits)).mean() > 0.95
    assert hits[fixed.member].sum() <= 160
