"""Tars that are damaged, lie about their members, or are made to do harm."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spolia.core.errors import SpoliaError, UsageError
from spolia.sources import open_source
from spolia.sources.limits import Limits
from tests.formats import tar_of
from tests.hostile.broken import encode, reason, sound

IMAGE = encode()
BLOCK = 512


def three(tmp_path: Path) -> Path:
    return tar_of(tmp_path / "set.tar", dict.fromkeys(("a/1.png", "b/1.png", "c/1.png"), IMAGE))


def with_member(tmp_path: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    """A tar whose middle member is another."""
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as archive:
        for one, stored in (
            (plain("a/1.png"), IMAGE),
            (member, content),
            (plain("z/1.png"), IMAGE),
        ):
            archive.addfile(one, io.BytesIO(stored))
    return path


def plain(name: str, size: int = len(IMAGE)) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def resummed(header: bytearray) -> bytes:
    """A header whose check sum is right."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "named pipe"),
        (b"S", "sparse member"),
        (b"Q", "member of unknown type b'Q'"),
    ],
)
def test_a_member_that_is_no_file_is_unreadable_and_costs_no_other(
    tmp_path: Path, kind: bytes, why: str
) -> None:
    member = plain("m/1.png", 0)
    member.type, member.linkname = kind, "/etc/passwd"
    source = open_source(with_member(tmp_path, member))
    assert source.ids == ("a/1.png", "m/1.png", "z/1.png")
    assert reason(source, 1) == why
    assert sound(source) == ["a/1.png", "z/1.png"]
    assert source.identities == ("a", "unreadable m/1.png", "z")


def test_a_sparse_member_of_pax_is_unreadable(tmp_path: Path) -> None:
    member = plain("m/1.png", 0)
    member.pax_headers = {"GNU.sparse.realsize": str(2**40), "GNU.sparse.major": "1"}
    assert reason(open_source(with_member(tmp_path, member)), 1) == "sparse member"


NAMES = [
    "../up.png",
    "/root.png",
    "a/../../b.png",
    "C:\\x.png",
    "<b onload=alert(1)>.png",
    "new\nline.png",
    "\x1b[31mred.png",
    "\u202egnp.exe.png",
    "'quotes\" & more.png",
    "=cmd|' '!A0.png",
    "n" * 251 + ".png",
    "long/" * 200 + "1.png",
    "\N{PILE OF POO}.png",
]


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_only_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: int
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = tar_of(tmp_path / "set.tar", {name: IMAGE, "good.png": IMAGE}, kind)
    before = sorted(tmp_path.rglob("*"))
    source = open_source(path)
    assert set(source.ids) == {name, "good.png"}
    assert len(sound(source)) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_names_that_are_no_text_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        for name in ("\udcff.png", "\udcfe.png"):
            archive.addfile(plain(name), io.BytesIO(IMAGE))
    source = open_source(path)
    assert source.ids == ("\\xfe.png", "\\xff.png")
    assert len(source.fingerprint) == 64


def test_names_that_differ_in_case_only_are_different(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "set.tar", {"a.png": IMAGE, "A.png": IMAGE})
    assert sound(open_source(path)) == ["A.png", "a.png"]


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = with_member(tmp_path, plain("a/1.png"), IMAGE)
    with pytest.raises(UsageError, match=r"holds 'a/1\.png' 2 times; pack it again"):
        open_source(path)


@pytest.mark.parametrize("keep", [1, 100, 511, BLOCK + 5, BLOCK + len(IMAGE) - 1])
def test_a_truncated_tar_gives_what_is_there_and_says_what_is_not(
    tmp_path: Path, keep: int
) -> None:
    path = three(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"c/1.png") + keep])
    source = open_source(path)
    assert sound(source) == ["a/1.png", "b/1.png"]
    assert len(source) == 3
    bad = source.ids.index(next(one for one in source.ids if one not in ("a/1.png", "b/1.png")))
    assert reason(source, bad).startswith(("truncated: ", "no header at offset "))


@pytest.mark.parametrize("at", [0, 124, 150, 156, 257])
@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_a_damaged_header_costs_one_member_and_is_said(tmp_path: Path, at: int, byte: int) -> None:
    path = three(tmp_path)
    content = bytearray(path.read_bytes())
    start = content.index(b"b/1.png")
    content[start + at] = byte if content[start + at] != byte else 0x41
    path.write_bytes(content)
    source = open_source(path)
    assert sound(source) == ["a/1.png", "c/1.png"]
    assert f"no header at offset {start:,}; reading goes on" in reason(source)
    assert source.ids[0] == f"@{start}"
    assert source.identities == (f"unreadable @{start}", "a", "c")


@pytest.mark.parametrize(
    "size", [b"77777777777\0", b"\x80" + b"\0" * 3 + b"\x7f" * 8, b"\x80" + b"\xff" * 11]
)
def test_a_forged_size_hides_no_member(tmp_path: Path, size: bytes) -> None:
    path = three(tmp_path)
    content = bytearray(path.read_bytes())
    start = content.index(b"b/1.png")
    content[start + 124 : start + 136] = size
    content[start : start + BLOCK] = resummed(content[start : start + BLOCK])
    path.write_bytes(content)
    source = open_source(path)
    assert sound(source) == ["a/1.png", "c/1.png"]
    assert reason(source, 1).startswith("truncated: ")


@pytest.mark.parametrize("kind", [b"L", b"x", b"g", b"K"])
def test_a_forged_size_of_an_extension_hides_no_member(tmp_path: Path, kind: bytes) -> None:
    member = plain("m/1.png", 10)
    member.type = kind
    path = with_member(tmp_path, member, b"0123456789")
    content = bytearray(path.read_bytes())
    start = content.index(b"m/1.png")
    content[start + 124 : start + 136] = b"77777777777\0"
    content[start : start + BLOCK] = resummed(content[start : start + BLOCK])
    path.write_bytes(content)
    source = open_source(path)
    assert sound(source) == ["a/1.png", "z/1.png"]
    assert f"no header at offset {start:,}" in reason(source)


@pytest.mark.parametrize(
    "attributes",
    [
        b"",
        b"no length\n",
        b"99999 path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"12 path=x",
        b"\0" * 40,
    ],
)
def test_broken_attributes_cost_one_member(tmp_path: Path, attributes: bytes) -> None:
    member = plain("extension", len(attributes))
    member.type = b"x"
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for one, stored in (
            (plain("a.png"), IMAGE),
            (member, attributes),
            (plain("b.png"), IMAGE),
            (plain("c.png"), IMAGE),
        ):
            archive.addfile(one, io.BytesIO(stored))
    source = open_source(path)
    assert len(source) == 3
    assert {"a.png", "c.png"} <= set(sound(source))


def test_a_name_of_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "set.tar", {"a.png": IMAGE, "n" * (2 << 20) + ".png": IMAGE})
    source = open_source(path)
    assert "a.png" in sound(source)
    assert len(source) == 2
    assert reason(source, int(source.ids[0] == "a.png")).startswith("name or attributes of 2,097,")


def test_a_tar_after_a_tar_is_read_on(tmp_path: Path) -> None:
    one, two = three(tmp_path / "1"), tar_of(tmp_path / "2.tar", {"d/1.png": IMAGE})
    both = tmp_path / "both.tar"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert len(sound(open_source(both))) == 4


def test_a_member_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    source = open_source(three(tmp_path), limits=Limits(encoded_bytes=100))
    assert reason(source) == "file larger than 100 bytes"
    with pytest.raises(UsageError, match="may have 2 entries"):
        open_source(three(tmp_path), limits=Limits(entries=2))


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_tar_is_refused_with_what_to_do(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"set.tar.{packing}"
    with tarfile.open(path, f"w:{packing}") as archive:
        archive.addfile(plain("a.png"), io.BytesIO(IMAGE))
    with pytest.raises(UsageError, match=r"unpack it to a \.tar first"):
        open_source(path)
    with pytest.raises(UsageError, match=r"unpack it to a \.tar first"):
        open_source(path, format="tar")


@pytest.mark.parametrize("content", [b"", b"x", bytes(10240), b"no tar " * 500])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.tar").write_bytes(content)
    with pytest.raises(UsageError, match="a tar with images is wanted"):
        open_source(tmp_path / "set.tar")


def test_shards_that_are_missing_or_count_down_are_refused(tmp_path: Path) -> None:
    three(tmp_path).rename(tmp_path / "s0.tar")
    with pytest.raises(UsageError, match=r"s1\.tar' cannot be read \(no such file"):
        open_source(tmp_path / "s{0..1}.tar")
    for wrong in ("{1..0}", "{0..99999999}"):
        with pytest.raises(UsageError, match=r"must be {FIRST..LAST} and count up"):
            open_source(tmp_path / f"s{wrong}.tar")


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"\\ud800"', b'{"\\ud800": "\\udfff"}', b""]
)
def test_a_broken_file_beside_an_image_costs_no_image(tmp_path: Path, text: bytes) -> None:
    files = {"1.png": IMAGE, "1.json": text, "2.png": IMAGE, "2.json": b'{"age": 5}'}
    source = open_source(tar_of(tmp_path / "set.tar", files))
    assert sound(source) == ["1.png", "2.png"]
    assert source.columns["age"] == ("", "5")
    for values in source.columns.values():
        "".join(values).encode()


@given(
    changes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 511), st.integers(0, 255))),
    keep=st.floats(0.0, 1.0),
    resum=st.booleans(),
)
def test_any_tar_gives_images_or_a_known_error(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[int, int, int]],
    keep: float,
    resum: bool,
) -> None:
    path = three(tmp_path_factory.mktemp("any"))
    content = bytearray(path.read_bytes())
    starts = [content.index(name) for name in (b"a/1.png", b"b/1.png", b"c/1.png")]
    for member, at, byte in changes:
        content[starts[member] + at] = byte
        if resum:
            header = content[starts[member] : starts[member] + BLOCK]
            content[starts[member] : starts[member] + BLOCK] = resummed(header)
    path.write_bytes(content[: int(keep * len(content))])
    try:
        source = open_source(path)
    except SpoliaError:
        return
    assert set(sound(source)) <= set(source.ids)
    assert len(source.fingerprint) == 64
