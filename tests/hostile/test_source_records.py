"""MXNet RecordIO that is damaged, cut, or made to do harm."""

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spolia.core.errors import SpoliaError, UsageError
from spolia.sources import open_source
from spolia.sources.limits import Limits
from spolia.sources.pieces import PiecesFile
from spolia.sources.recordio import scan
from tests.hostile.broken import encode, reason, sound
from tests.recordio import MAGIC, framed, part, payload, write_rec

IMAGE = encode()


def five(tmp_path: Path, *, keys: bool = True) -> tuple[Path, list[int]]:
    """A note and four images."""
    records = [payload(b"", (5.0, 9.0)), *(payload(IMAGE, float(n)) for n in range(1, 5))]
    path = tmp_path / "set.rec"
    return path, write_rec(path, records, keys=range(5) if keys else None)


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("broken", [1, 2, 3, 4])
def test_a_broken_magic_costs_one_record_and_is_said(
    tmp_path: Path, broken: int, keys: bool
) -> None:
    path, offsets = five(tmp_path, keys=keys)
    content = bytearray(path.read_bytes())
    content[offsets[broken]] ^= 0xFF
    path.write_bytes(content)
    source = open_source(path)
    assert source.ids == ("1", "2", "3", "4")
    assert sound(source) == [str(n) for n in range(1, 5) if n != broken]
    assert f"at offset {offsets[broken]:,}" in reason(source, broken - 1)
    assert source.identities is not None
    assert source.identities[broken - 1] == f"unreadable {broken}"
    assert len(source.fingerprint) == 64


@pytest.mark.parametrize("cut", [1, 3, 5, 40, 1000])
def test_a_truncated_file_gives_what_is_there_and_the_offset(tmp_path: Path, cut: int) -> None:
    path, offsets = five(tmp_path)
    path.write_bytes(path.read_bytes()[: offsets[4] + 1700 - 1700 % 4 - cut - 200])
    source = open_source(path)
    assert source.ids == ("1", "2", "3", "4")
    assert sound(source) == ["1", "2", "3"]
    assert reason(source, 3) == f"truncated: no whole record at offset {offsets[4]:,}"


def test_a_file_cut_between_records_misses_those_that_the_index_names(tmp_path: Path) -> None:
    path, offsets = five(tmp_path)
    path.write_bytes(path.read_bytes()[: offsets[3]])
    source = open_source(path)
    assert sound(source) == ["1", "2"]
    assert reason(source, 2) == f"no record at offset {offsets[3]:,}"
    assert reason(source, 3) == f"no record at offset {offsets[4]:,}"


def test_missing_padding_at_the_end_costs_nothing(tmp_path: Path) -> None:
    image = IMAGE + bytes(1 - len(IMAGE) % 4 + 4)
    write_rec(tmp_path / "set.rec", [payload(image, 1.0)])
    content = (tmp_path / "set.rec").read_bytes()
    (tmp_path / "set.rec").write_bytes(content[: 8 + 24 + len(image)])
    assert sound(open_source(tmp_path / "set.rec")) == ["0"]


@pytest.mark.parametrize("junk", [b"\0" * 64, b"junk" * 16, b"\x0a", MAGIC, MAGIC * 9])
def test_junk_between_records_is_said_and_costs_no_other(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "set.rec"
    front = framed(payload(IMAGE, 1.0))
    path.write_bytes(front + junk + bytes(-len(junk) % 4) + framed(payload(IMAGE, 2.0)))
    source = open_source(path)
    assert sound(source) == [source.ids[0], source.ids[-1]]
    assert len(source) > 2
    assert f"at offset {len(front):,}" in reason(source, 1)


@pytest.mark.parametrize(
    ("payloads", "why"),
    [
        (b"", "no header in the record"),
        (b"short", "no header in the record"),
        (struct.pack("<IfQQ", 2**32 - 1, 0, 0, 0) + IMAGE, "no header in the record"),
        (struct.pack("<IfQQ", 1000, 0, 0, 0) + b"x", "no header in the record"),
        (payload(b"", 1.0), "empty file"),
        (payload(b"no image", 1.0), "cannot identify image file"),
        (payload(IMAGE[:-300], 1.0), "truncated"),
    ],
)
def test_a_record_that_is_no_image_is_unreadable_and_costs_no_other(
    tmp_path: Path, payloads: bytes, why: str
) -> None:
    write_rec(tmp_path / "set.rec", [payload(IMAGE, 3.0), payloads, payload(IMAGE, 4.0)])
    source = open_source(tmp_path / "set.rec")
    assert sound(source) == ["0", "2"]
    assert reason(source, 1).startswith(why)


@pytest.mark.parametrize("label", [float("nan"), float("inf"), -1.0, 1e30, 0.5])
def test_any_label_is_a_name(tmp_path: Path, label: float) -> None:
    write_rec(tmp_path / "set.rec", [payload(IMAGE, label), payload(IMAGE, 2.0)])
    people = open_source(tmp_path / "set.rec").identities
    assert people is not None
    assert people[0] not in ("", "2")


def test_parts_that_do_not_end_are_one_broken_record(tmp_path: Path) -> None:
    content = part(1, payload(IMAGE, 1.0)) + part(2, b"more") + framed(payload(IMAGE, 2.0))
    (tmp_path / "set.rec").write_bytes(content)
    source = open_source(tmp_path / "set.rec")
    assert "broken record at offset 0" in reason(source)
    assert sound(source) == [source.ids[-1]]


def test_a_record_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path, _ = five(tmp_path)
    source = open_source(path, limits=Limits(encoded_bytes=1000))
    assert reason(source) == "record larger than 1,000 bytes"


def test_more_records_than_the_limit_are_refused(tmp_path: Path) -> None:
    path, _ = five(tmp_path)
    with pytest.raises(UsageError, match="may have 3 entries"):
        open_source(path, limits=Limits(entries=3))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("0\t1\n1\t2\n", "none of the 2 offsets"),
        ("nonsense\n", "line 1 of"),
        ("1\t-5\n", "line 1 of"),
        ("1\t0\t0\n", "line 1 of"),
        ("1\t" + "9" * 4000 + "\n", "line 1 of"),
        ("\x00\x01\n", "line 1 of"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(tmp_path: Path, index: str, message: str) -> None:
    path, _ = five(tmp_path)
    path.with_suffix(".idx").write_text(index)
    with pytest.raises(UsageError, match=f"{message}.*take it away"):
        open_source(path)


def test_a_key_twice_is_refused(tmp_path: Path) -> None:
    path, _ = five(tmp_path)
    index = path.with_suffix(".idx")
    index.write_text(index.read_text().replace("4\t", "3\t"))
    with pytest.raises(UsageError, match="has '3' 2 times"):
        open_source(path)


def test_a_record_that_the_index_leaves_out_is_named_by_its_offset(tmp_path: Path) -> None:
    path, offsets = five(tmp_path)
    index = path.with_suffix(".idx")
    index.write_text("".join(index.read_text().splitlines(keepends=True)[:-1]))
    assert sound(open_source(path)) == ["1", "2", "3", f"@{offsets[4]}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t9\tann/1.png\n", "gives record '1' the label 9, and the record 1"),
        ("1 1 ann/1.png\n", "line 1 of"),
        ("1\tx\ty\n", "line 1 of"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path, _ = five(tmp_path)
    path.with_suffix(".lst").write_text(text)
    with pytest.raises(UsageError, match=message):
        open_source(path)


@pytest.mark.parametrize("content", [b"", b"x", b"no record at all", MAGIC, bytes(4096)])
def test_what_is_no_rec_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.rec").write_bytes(content)
    with pytest.raises(UsageError, match=r"a \.rec with images is wanted"):
        open_source(tmp_path / "set.rec")


def test_a_folder_named_rec_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.rec").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        open_source(f"rec:{tmp_path / 'set.rec'}")


def test_a_file_that_shrinks_after_it_was_opened_is_unreadable_and_no_crash(tmp_path: Path) -> None:
    path, offsets = five(tmp_path)
    source = open_source(path)
    with path.open("r+b") as file:
        file.truncate(offsets[3] + 50)
    assert sound(source) == ["1", "2"]


class Counting(PiecesFile):
    """Counts how often it is read."""

    reads = 0

    def read(self, start: int, length: int) -> bytes:
        self.reads += 1
        return super().read(start, length)


@pytest.mark.parametrize(
    "content",
    [MAGIC * 20_000, part(1, b"") * 10_000, (part(1, b"") + part(2, b"") * 9) * 1000],
    ids=["magics", "first parts", "chains"],
)
def test_a_file_of_starts_without_ends_costs_a_few_reads_each(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "set.rec").write_bytes(content)
    file = Counting(str(tmp_path / "set.rec"), "a .rec")
    assert all(record.wrong for record in scan(file))
    assert file.reads < len(content)


@example(changes=[(0, 0)], keep=1.0)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8),
    keep=st.floats(0.0, 1.0),
)
def test_any_rec_gives_images_or_a_known_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], keep: float
) -> None:
    path, offsets = five(tmp_path_factory.mktemp("any"))
    content = bytearray(path.read_bytes())
    for at, byte in changes:
        # Mostly where the framing is.
        content[offsets[at % 5] + at // 5 % 40] = byte
    path.write_bytes(content[: int(keep * len(content))])
    try:
        source = open_source(path)
        names = sound(source)
    except SpoliaError:
        return
    # A record is there, or is said not to be.
    assert {"1", "2", "3", "4"} <= set(source.ids) | {"0"}
    assert len(names) <= len(source)
    assert len(source.fingerprint) == 64
