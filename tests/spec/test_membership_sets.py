"""Train, held-out and reference: what leaves them, and that they are treated alike."""

import numpy as np
import pytest

import spolia
from spolia.auditing.membership_arrays import fixed_of
from spolia.auditing.membership_sets import sides_of
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.core.errors import UsageError
from spolia.core.progress import silent
from spolia.store.precomputed import UNKNOWN_MODEL


def unit(seed, n):
    return spolia.normalise(np.random.default_rng(seed).normal(size=(n, 12)))


def sides_from(folder, sets, threshold=0.999):
    """What is left of each set, by role; ``sets`` are rows, or rows and identities."""
    ready = {
        role: prepare(
            role,
            spolia.Embeddings(*((one[0], None, one[1]) if isinstance(one, tuple) else (one,))),
            UNKNOWN_MODEL,
            fingerprint=role,
        )
        for role, one in sets.items()
    }
    sides = sides_of(folder, ready, threshold, 0, Options(), silent)
    return sides, {one.role: one for one in sides.used}


def test_near_duplicates_and_what_is_in_train_leave_and_are_counted(tmp_path):
    sets = {"train": unit(1, 40), "control": unit(2, 80), "synthetic": unit(3, 40)}
    train, control = sets["train"], sets["control"]
    sets["train"] = np.concatenate([train, train[:5]])
    sets["control"] = np.concatenate([control, train[:3], control[:2]])
    sides, used = sides_from(tmp_path / "on", sets)
    one = used["train"]
    assert (one.given, one.near_duplicates, one.records, one.identities) == (45, 5, 40, 40)
    for role in ("held-out", "reference"):
        assert (used[role].given, used[role].near_duplicates, used[role].shared) == (85, 2, 3)
        assert used[role].records == 40
    assert not set(sides.held_out.ids) & set(sides.reference.ids)
    _, off = sides_from(tmp_path / "off", sets, None)
    assert (off["train"].records, off["train"].near_duplicates) == (45, 0)


def test_a_reference_of_ones_own_leaves_the_control_whole(tmp_path):
    sets = {"train": unit(1, 30), "control": unit(2, 60), "synthetic": unit(3, 40)}
    near = [unit(4, 25), sets["train"][:2], sets["control"][:3]]
    sets["reference"] = np.concatenate(near)
    sides, used = sides_from(tmp_path / "on", sets)
    assert (used["held-out"].records, used["reference"].records) == (60, 25)
    assert used["reference"].shared == 5
    # 30 of train: as many identities of the control stand beside it.
    assert fixed_of(sides, 0, Options(), silent).compared == 30
    _, off = sides_from(tmp_path / "off", sets, None)
    assert off["reference"].records == 30


def test_people_who_are_in_train_leave_the_others_and_nobody_enters_with_more_photos(tmp_path):
    def people(names, photos):
        who = np.repeat(names, photos)
        return unit(len(names), who.size), who.tolist()

    named = {
        "train": people([f"t{i}" for i in range(25)], [1] * 20 + [4] * 5),
        "control": people([f"c{i}" for i in range(48)] + ["t1", "t2"], [1] * 45 + [2] * 5),
        "synthetic": unit(9, 50),
    }
    sides, used = sides_from(tmp_path / "half", named)
    one = used["train"]
    assert (one.surplus, one.records, one.identities) == (15, 25, 25)
    assert used["held-out"].shared == 4
    assert used["held-out"].identities + used["reference"].identities == 48
    own = {"reference": people(["c1", "t1", "r1", "r2"], [1, 1, 1, 1])}
    sides, used = sides_from(tmp_path / "own", named | own)
    assert sides.reference.identities == ("r1", "r2")
    assert used["reference"].shared == 2
    assert sides.too_few


def test_nothing_left_of_a_set_is_refused(tmp_path):
    sets = {"train": unit(1, 30), "control": unit(2, 60), "synthetic": unit(3, 40)}
    with pytest.raises(UsageError, match="near-duplicates in another set takes out all"):
        sides_from(tmp_path, sets | {"reference": sets["train"][:9]})


def test_halves_of_the_control_depend_on_the_seed_alone(tmp_path):
    sets = {"train": unit(1, 30), "control": unit(2, 60), "synthetic": unit(3, 40)}
    one, other = (sides_from(tmp_path / name, sets)[0] for name in "ab")
    assert one.held_out.ids == other.held_out.ids
    assert len(one.held_out) == len(one.reference) == 30
