"""The log of decisions: nothing is lost, mixed or rewritten, and what stands is the last word."""

import multiprocessing
import stat
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import UsageError
from spolia.review.decisions import Decision, append, read, standing, words
from tests.contract import review_laws as laws

NAMES, TASKS = ("ann", "bob"), ("one", "two")


def decision(reviewer="ann", task="one", step="answer", answer="same"):
    return Decision("deck", task, reviewer, step, answer, "2026-11-29T12:00:00.000+00:00", 1.5)


def write_some(path, reviewer):
    for i in range(40):
        append(path, decision(reviewer, f"{i}" * 200))


def test_what_is_appended_is_read_in_its_order(tmp_path):
    path = tmp_path / "decisions.jsonl"
    assert read(path) == []
    said = [decision(name, task) for name, task in product(NAMES, TASKS)]
    for i, one in enumerate(said, 1):
        before = path.read_bytes() if path.exists() else b""
        append(path, one)
        assert path.read_bytes().startswith(before)
        assert read(path) == said[:i]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_programs_that_write_at_once_lose_and_mix_nothing(tmp_path):
    path = tmp_path / "decisions.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_some, args=(path, name)) for name in NAMES]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    found = read(path)
    assert len(found) == 80
    for name in NAMES:
        assert [one.task[0] for one in found if one.reviewer == name] == [
            f"{i}"[0] for i in range(40)
        ]


def test_a_decision_is_undone_before_the_answer():
    assert laws.law_an_undo_takes_back_one_word() is None


def test_what_is_left_of_a_line_is_marked(tmp_path):
    assert laws.law_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path) is None


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path, cut):
    path = tmp_path / "decisions.jsonl"
    append(path, decision(task="one"))
    append(path, decision(task="two"))
    path.write_bytes(path.read_bytes()[:-cut])
    assert [one.task for one in read(path)] == ["one"]
    append(path, decision(task="three"))
    append(path, decision(task="four"))
    assert [one.task for one in read(path)] == ["one", "three", "four"]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "1",
        "null",
        "",
        '{"deck": "d"}',
        '{"deck":"d","task":"t","reviewer":["r"],"step":"undo","answer":null,"at":"","seconds":1}',
        '{"deck":"d","task":"t","reviewer":"r","step":"shout","answer":"same","at":"","seconds":1}',
        '{"deck":"d","task":"t","reviewer":"r","step":"answer","answer":"maybe","at":"","seconds":1}',
    ],
)
def test_a_line_that_is_no_decision_is_named(tmp_path, line):
    path = tmp_path / "decisions.jsonl"
    append(path, decision())
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UsageError, match="line 2 of "):
        read(path)


said = st.builds(
    decision,
    st.sampled_from(NAMES),
    st.sampled_from(TASKS),
    st.sampled_from(("answer", "decide")),
    st.sampled_from(("same", "different")),
)
undone = st.builds(
    decision, st.sampled_from(NAMES), st.sampled_from(TASKS), st.just("undo"), st.none()
)


@given(st.lists(said | undone, max_size=12))
def test_an_undo_takes_back_one_word_of_its_reviewer_on_its_pair(log):
    """Against a list, for each reviewer and pair, of the words in the order of their last."""
    wanted = {}
    for one in log:
        said_ = wanted.setdefault((one.reviewer, one.task), [])
        if one.step == "undo":
            del said_[-1:]
        else:
            said_[:] = [(step, answer) for step, answer in said_ if step != one.step]
            said_.append((one.step, one.answer))
    assert {key: list(found.items()) for key, found in words(log).items()} == wanted
    for step in ("answer", "decide"):
        assert standing(log, step) == {
            key: dict(found)[step] for key, found in wanted.items() if step in dict(found)
        }
