"""What an audit warns of when its judge may have seen the people before."""

from dataclasses import replace

import pytest

from spolia.auditing.instrument import judge_notes
from spolia.auditing.plan import Plan
from spolia.core.results import ModelSummary

PLAN = Plan("/sets/people", "/sets/made", "/sets/others", "face.toml")
JUDGE = ModelSummary("face", "identity", "MIT", None, "here", ("CASIA-WebFace", "MS1M"), "")


def test_a_copy_descriptor_has_seen_nobody():
    assert judge_notes(PLAN, replace(JUDGE, kind="copy", trained_on=())) == []


def test_stored_rows_of_an_unknown_judge_are_not_warned_of():
    assert judge_notes(PLAN, replace(JUDGE, kind="unknown", trained_on=())) == []


def test_a_face_network_that_does_not_say_is_named():
    (note,) = judge_notes(PLAN, replace(JUDGE, trained_on=()))
    assert note.startswith("What face was trained on is not known.")


def test_what_the_network_was_trained_on_is_said():
    (note,) = judge_notes(PLAN, JUDGE)
    assert "trained on CASIA-WebFace and MS1M" in note


@pytest.mark.parametrize(
    ("role", "place"),
    [("train", "/sets/casia_webface/part"), ("control", "/SETS/MS1M.zip")],
)
def test_a_set_named_like_what_the_network_knows_is_pointed_at(role, place):
    (note,) = judge_notes(replace(PLAN, **{role: place}), JUDGE)
    assert f"which {role} seems to be of" in note
    assert "Use another judge" in note


@pytest.mark.parametrize("place", ["memory:ms1m", "/sets/people"])
def test_short_names_and_digests_point_at_nothing(place):
    judge = replace(JUDGE, trained_on=("ms1m", "pe"))
    (note,) = judge_notes(replace(PLAN, train=place), judge)
    assert "seems to be of" not in note


def test_without_a_control_train_alone_is_looked_at():
    (note,) = judge_notes(replace(PLAN, train="/ms1m", control=None), JUDGE)
    assert "which train seems to be of" in note
