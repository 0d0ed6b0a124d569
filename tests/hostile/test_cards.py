"""Cards that are wrong, by mistake or on purpose."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import InvalidCard, UsageError
from spolia.embedding import load_card, preprocess
from spolia.embedding.cards import SCHEMA, Card, card_of
from tests.cards.tiny import CARD, write_card


def refusal(path: Path) -> str:
    with pytest.raises(InvalidCard) as caught:
        load_card(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (('licence = "', 'license = "'), "unknown key 'license'; did you mean 'licence'?"),
        (("dim = 16", "dims = 16"), "unknown key 'dims'; did you mean 'dim'?"),
        (('channels = "', 'chanels = "'), "unknown key 'chanels'; did you mean 'channels'?"),
        (("[self_test]", "[selftest]"), "unknown key 'selftest'; did you mean 'self_test'?"),
        (("dim = 16", "dim = 16\nqqq = 1"), "unknown key 'qqq'; known are file, sha256, output"),
        (("dim = 16", ""), "lacks the key 'dim'"),
        (('alignment = "none"', ""), "lacks the key 'alignment': \"none\" or"),
        (('kind = "copy"', 'kind = "unknown"'), 'must be "identity" or "copy", but is'),
        (('kind = "copy"', "kind = 1"), 'must be "identity" or "copy", but is 1'),
        (('name = "tiny"', 'name = " "'), "'name' in card"),
        (("trained_on = []", 'trained_on = "MS1M"'), "must be a list of names"),
        (("trained_on = []", "trained_on = [1]"), "must be a list of names"),
        (("trained_on = []", 'trained_on = []\ncommercial = "no"'), "true or false"),
        (("dim = 16", "dim = 16.0"), "must be a whole number from 1"),
        (("dim = 16", "dim = true"), "must be a whole number from 1"),
        (("dim = 16", "dim = 0"), "must be a whole number from 1"),
        (("dim = 16", "dim = 16\nmetric = 'l2'"), "must be \"cosine\", but is 'l2'"),
        (('"embedding"', "-1"), "the index or name of an output"),
        (("SHA256", "abc"), "64 lower-case hexadecimal digits"),
        (('"tiny.onnx"', '"../tiny.onnx"'), "a file name without a folder"),
        (('"tiny.onnx"', '"/etc/passwd"'), "a file name without a folder"),
        (('"tiny.onnx"', r'"a\\b.onnx"'), "a file name without a folder"),
        (('"tiny.onnx"', '".."'), "a file name without a folder"),
        (("[8, 10]", "[8]"), "[height, width]"),
        (("[8, 10]", "[8, 10.5]"), "[height, width]"),
        (("[8, 10]", "[8, 100000]"), "[height, width]"),
        (("[-1.0, 1.0]", "[1.0, 1.0]"), "[low, high]"),
        (("[-1.0, 1.0]", "[0.0, inf]"), "[low, high]"),
        (("[-1.0, 1.0]", "[nan, 1.0]"), "[low, high]"),
        (("[-1.0, 1.0]", f"[0, {10**400}]"), "[low, high]"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nmean = [0.5]"), "3 numbers"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nstd = [1, 1, 0]"), "3 numbers from 1e-6 up"),
        (('"none"', '"arcface"'), '"none" or "arcface-112" or "dlib-150"'),
        (("FIRST", "[1.0, 2.0]"), "must hold the first 8 outputs, but holds 2"),
        (("FIRST", str([0.0] * 8)), "not all 0"),
        (("FIRST", '["1"]'), "not all 0"),
        (("FIRST", "FIRST\ntolerance = 0.5"), "at most 0.01"),
        (("FIRST", "FIRST\ntolerance = 0"), "at most 0.01"),
        (("FIRST", ""), "must be TOML"),
        (("dim = 16", f"dim = 0x{'f' * 9999}"), "but is a number of 39996 bits"),
        (("[8, 10]", f"[8, 0x{'f' * 9999}]"), "but is a list with a very large number"),
        (("[-1.0, 1.0]", f"[0, 0x{'f' * 9999}]"), "[low, high]"),
        (("dim = 16", f"dim = {'9' * 5000}"), "must be TOML"),
        (("dim = 16", "dim = 16\n" + "x" * 9999 + " = 1"), "unknown key 'xxxxx"),
        (('kind = "copy"', f'kind = "{"k" * 9999}"'), "but is 'kkkkk"),
        (("dim = 16", "dim = 70000"), "must be a whole number from 1 to 65536"),
        (("dim = 16", "dim = -1"), "must be a whole number from 1 to 65536"),
        (("dim = 16", "dim = 1979-05-27"), "must be a whole number from 1 to 65536"),
        (('"embedding"', "1000"), "the index or name of an output"),
        (('"embedding"', "true"), "the index or name of an output"),
        (('"embedding"', '""'), "the index or name of an output"),
        (('"tiny.onnx"', '"."'), "a file name without a folder"),
        (('"tiny.onnx"', '"C:tiny.onnx"'), "a file name without a folder"),
        (('"tiny.onnx"', r'"tiny\u0000.onnx"'), "a file name without a folder"),
        (('"tiny.onnx"', '["tiny.onnx"]'), "a file name without a folder"),
        (("[8, 10]", "[8, 10, 3]"), "[height, width]"),
        (("[8, 10]", "[0, 10]"), "[height, width]"),
        (("[8, 10]", "[-8, 10]"), "[height, width]"),
        (("[8, 10]", "[true, 10]"), "[height, width]"),
        (("[8, 10]", '"8x10"'), "[height, width]"),
        (("[-1.0, 1.0]", "[-1e308, 1e308]"), "[low, high]"),
        (("[-1.0, 1.0]", "[-inf, inf]"), "[low, high]"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nmean = [nan, 0, 0]"), "3 numbers"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nstd = [1, 1, -1]"), "3 numbers from 1e-6 up"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nstd = [1, 1, 1e-30]"), "3 numbers from 1e-6 up"),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nresize = 'area'"), '"bilinear" or'),
        (("[-1.0, 1.0]", "[-1.0, 1.0]\nkeypoints = 1"), "the name of an input"),
        (("FIRST", "[nan, 1, 1, 1, 1, 1, 1, 1]"), "finite numbers"),
        (("FIRST", "[1e31, 1, 1, 1, 1, 1, 1, 1]"), "finite numbers"),
        (("FIRST", "FIRST\ntolerance = nan"), "at most 0.01"),
        (("FIRST", "FIRST\nother = 1"), "unknown key 'other'"),
        (("licence = ", "licence.file = "), "the licence as text"),
        (("[input]", "[[input]]"), "must be a table"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1][:30] or "removed",
)
def test_a_wrong_card_is_refused_with_what_was_wanted(
    tmp_path: Path, edit: tuple[str, str], said: str
) -> None:
    assert said in refusal(write_card(tmp_path, edit))


@pytest.mark.parametrize("table", ["model", "input", "self_test"])
def test_a_value_where_a_table_belongs_is_refused(tmp_path: Path, table: str) -> None:
    path = tmp_path / "card.toml"
    start = CARD.index(f"[{table}]")
    end = CARD.find("\n[", start)
    rest = CARD[:start] + (CARD[end:] if end > 0 else "")
    path.write_text(f"{table} = 5\n{rest}".replace("FIRST", "[1.0]"))
    assert f"{table!r} in card {path} must be a table, but is 5" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"a = " + b"[" * 20000, b"a = 1\na = 2", b"x = 1979-99-99", b"\0"],
    ids=["not-utf8", "nested", "twice", "date", "nul"],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "card.toml"
    path.write_bytes(content)
    assert "must be TOML" in refusal(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "card.toml")
    with pytest.raises(UsageError, match="is a device or a pipe"):
        load_card(tmp_path / "card.toml")


def test_no_message_repeats_a_bomb(tmp_path: Path) -> None:
    long = "[" + ", ".join(["'" + "x" * 900 + "'"] * 900) + "]"
    assert len(refusal(write_card(tmp_path, ("[8, 10]", long)))) < 1000 + len(str(tmp_path))


def test_a_very_long_file_is_not_read_as_a_card(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_bytes(b"# " + b"x" * (1 << 20))
    assert "is longer" in refusal(path)


def test_a_missing_card_and_a_folder_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UsageError, match="no card can be read at"):
            load_card(path)


@given(st.binary(max_size=60))
def test_random_bytes_never_open(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.toml"
    path.write_bytes(b'name = "x"\n' + tail)
    with pytest.raises(InvalidCard):
        load_card(path)


def opened_or_said(opening: Callable[[], Card]) -> Card | str:
    """The card, or why it is refused."""
    try:
        return opening()
    except InvalidCard as error:
        return str(error)


LEAF = (
    st.none().map(lambda _: [])
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["identity", "NCHW", "RGB", "arcface-112", "a.onnx", "a" * 64, "unit"])
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [(table, key) for table, keys in SCHEMA.items() for key in keys]
            + [("", "extra"), ("input", "extra")]
        ),
        VALUE,
        min_size=1,
        max_size=4,
    )
)
def test_a_card_with_any_values_opens_or_is_refused_by_name(
    changes: dict[tuple[str, str], object],
) -> None:
    table = tomllib.loads(
        CARD.replace("SHA256", "0" * 64).replace("FIRST", "[1, 2, 3, 4, 5, 6, 7, 8]")
    )
    for (where, key), value in changes.items():
        holder = table if not where else table.get(where)
        if isinstance(holder, dict):
            holder[key] = value
    card = opened_or_said(lambda: card_of(Path("card.toml"), table))
    if isinstance(card, str):
        assert "card.toml" in card
        assert len(card) < 1000
        return
    # What opens can be used: its numbers fit in float32, its name in a folder.
    assert np.isfinite(preprocess(np.zeros((2, 2, 3), np.uint8), card.input)).all()
    assert 1 <= card.model.dim <= 1 << 16
    assert Path(card.model.file).name == card.model.file


@given(st.integers(0, len(CARD)), st.binary(max_size=8), st.integers(0, 40))
def test_a_card_with_a_hole_opens_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, into: bytes, gone: int
) -> None:
    text = CARD.replace("SHA256", "0" * 64).replace("FIRST", "[1, 2, 3, 4, 5, 6, 7, 8]").encode()
    path = tmp_path_factory.getbasetemp() / "hole.toml"
    path.write_bytes(text[:at] + into + text[at + gone :])
    card = opened_or_said(lambda: load_card(path))
    assert not isinstance(card, str) or str(path) in card
