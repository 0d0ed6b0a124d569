"""People who may be filed under two names are candidates, judged by how alike one's photos are."""

from dataclasses import replace

import numpy as np

import spolia
from spolia.auditing.duplicates import find_duplicates
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.core.progress import silent
from spolia.store.precomputed import UNKNOWN_MODEL

FACES = replace(UNKNOWN_MODEL, kind="identity")


def people(n, seed, photos=2):
    """Rows of ``n`` people, several photos each, at a similarity of about 0.8."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(spolia.normalise(rng.normal(size=(n, 64))), photos, axis=0)
    rows = spolia.normalise(middle + 0.5 * rng.normal(size=middle.shape) / 8)
    return rows, [f"{seed}-{i // photos:03d}" for i in range(n * photos)]


def search(folder, train, control, model=FACES):
    sets = {
        role: prepare(role, spolia.Embeddings(rows, identities=names), model, fingerprint=role)
        for role, (rows, names) in (("train", train), ("control", control))
    }
    sets["synthetic"] = sets["control"]
    return find_duplicates(folder, sets, 0.97, Options(), silent)


def pairs(found):
    return [
        (row["identity"], row["other"], row["other_set"]) for row in found.two_names.to_pylist()
    ]


def test_strangers_are_no_candidates(tmp_path):
    found = search(tmp_path, people(100, 0), people(100, 1))
    assert pairs(found) == []
    assert (found.summary.candidates.judged_by, found.summary.candidates.within) == (100, 0)
    assert 0.7 < found.summary.candidates.threshold < 0.9


def test_one_person_under_two_names_is_a_candidate_and_stays(tmp_path):
    rows, names = people(100, 0, photos=4)
    names = [f"{name}{'b' * (i % 4 > 1)}" if i < 8 else name for i, name in enumerate(names)]
    control_rows, control_names = people(100, 1)
    middle = rows[20:24].mean(axis=0, keepdims=True)
    control_rows[0:1] = spolia.normalise(middle)
    found = search(tmp_path, (rows, names), (control_rows, control_names))
    within = {pair[:2] for pair in pairs(found) if pair[2] == "train"}
    assert within == {("0-000", "0-000b"), ("0-001", "0-001b")}
    assert ("0-005", "1-000", "control") in pairs(found)
    assert (found.summary.candidates.within, found.summary.candidates.across) == (2, 1)
    assert found.summary.shared.left_out == 0
    assert len(found.sets["control"]) == 200


def test_near_duplicates_do_not_tell_how_alike_two_photos_are(tmp_path):
    """A photo that is there twice would put the quartile at one, and hide every candidate."""
    rows, names = people(100, 0)
    doubled = np.concatenate([rows, rows]), names * 2
    plain = search(tmp_path / "one", (rows, names), people(100, 1)).summary.candidates
    twice = search(tmp_path / "two", doubled, people(100, 1)).summary.candidates
    assert twice.threshold == plain.threshold


def test_with_few_photos_or_another_embedder_nobody_is_suspected(tmp_path):
    few = search(tmp_path / "few", people(19, 0), people(19, 1))
    single = search(tmp_path / "single", people(100, 0, photos=1), people(100, 1))
    copies = search(tmp_path / "copies", people(100, 0), people(100, 1), UNKNOWN_MODEL)
    assert [one.summary.candidates for one in (few, single, copies)] == [None] * 3
