"""What a join is given: bad rows are refused by name, odd layouts are joined like plain ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spolia
from spolia.core.errors import InvalidRows, UsageError
from spolia.core.rows import SubsetRows
from spolia.core.types import Float32
from spolia.search.engines import ENGINES, check_engine
from spolia.search.reference import join_reference
from spolia.store.shards import ShardedRows
from tests.spec.joins import assert_same, rows_of

WANTED: dict[str, Any] = {"k": 3, "above": 0.3, "top": 9}


def there(engine: str) -> bool:
    try:
        check_engine(engine)
    except UsageError:
        return False
    return True


@pytest.fixture(params=[one for one in ENGINES if there(one)])
def engine(request) -> str:
    """Every engine of this installation."""
    return request.param


GOOD = rows_of("random", 40, 7, 0)
OTHER = rows_of("random", 30, 7, 1)


def changed(*places: tuple[int, int, float]) -> Float32:
    rows = GOOD.copy()
    for row, column, value in places:
        rows[row, column] = value
    return rows


def scaled(row: int, by: float) -> Float32:
    rows = GOOD.copy()
    rows[row] *= np.float32(by)
    return rows


NOT_FINITE = r"must be finite, but row {} has a NaN or infinite value \({} of 40\)"
NOT_UNIT = r"must have unit rows, but row {} has norm {} \({} of 40\)"
ONE = "1 bad row"

BAD: dict[str, tuple[Any, str]] = {
    "nan": (changed((11, 3, np.nan)), NOT_FINITE.format(11, ONE)),
    "last nan": (changed((39, 6, np.nan)), NOT_FINITE.format(39, ONE)),
    "inf": (changed((0, 0, np.inf)), NOT_FINITE.format(0, ONE)),
    "minus inf": (changed((5, 6, -np.inf), (4, 0, -np.inf)), NOT_FINITE.format(4, "2 bad rows")),
    "inf and minus inf": (changed((5, 6, -np.inf), (5, 0, np.inf)), NOT_FINITE.format(5, ONE)),
    "huge": (changed((5, 6, 3e38)), NOT_UNIT.format(5, r"3\d+\.0000", ONE)),
    "huge and nan": (
        changed((5, 6, 3e38), (6, 0, np.nan)),
        NOT_UNIT.format(5, r"3\d+\.0000", "2 bad rows"),
    ),
    "norm 2": (scaled(8, 2.0), NOT_UNIT.format(8, r"2\.0000", ONE)),
    "a little too long": (scaled(8, 1.00011), NOT_UNIT.format(8, r"1\.0001", ONE)),
    "a little too short": (scaled(8, 0.99989), NOT_UNIT.format(8, r"0\.9999", ONE)),
    "denormal": (scaled(8, 1e-40), NOT_UNIT.format(8, r"0\.0000", ONE)),
    "all": (GOOD * np.float32(3), NOT_UNIT.format(0, r"3\.0000", "40 bad rows")),
    "float64": (GOOD.astype(np.float64), "must be float32, but is float64"),
    "float16": (GOOD.astype(np.float16), "must be float32, but is float16"),
    "int8": ((GOOD * 127).astype(np.int8), "must be float32, but is int8"),
    "uint8": ((GOOD > 0).astype(np.uint8), "must be float32, but is uint8"),
    "bool": (GOOD > 0, "must be float32, but is bool"),
    "complex": (GOOD.astype(np.complex64), "must be float32, but is complex64"),
    "other byte order": (
        GOOD.astype(np.dtype("f4").newbyteorder()),
        "must be float32, but is [<>]f4",
    ),
    "objects": (GOOD.astype(object), "must be float32, but is object"),
    "texts": (GOOD.astype(str), "must be float32, but is <U"),
    "fields": (np.zeros((4, 7), "f4,f4"), "must be float32, but is .*f0"),
    "masked": (np.ma.masked_array(GOOD, GOOD > 0.5), "must be a plain array, but is a MaskedArray"),
    "matrix": (GOOD.view(np.matrix), "must be a plain array, but is a matrix"),
    "number": (np.float32(1.0), r"must be a matrix \(n, d\), but has shape \(\)"),
    "vector": (GOOD[0], r"must be a matrix \(n, d\), but has shape \(7,\)"),
    "cube": (GOOD[np.newaxis], r"must be a matrix \(n, d\), but has shape \(1, 40, 7\)"),
    "no columns": (GOOD[:, :0], r"must have at least one column, but has shape \(40, 0\)"),
    "text": ("rows.npy", "must be a matrix .* but is a str"),
    "path": (Path("rows.npy"), "must be a matrix .* but is a .*Path"),
    "mapping": ({"rows": GOOD}, "must be a matrix .* but is a dict"),
    "embeddings": (spolia.Embeddings(GOOD), "must be a matrix .* but is a Embeddings"),
}


@pytest.mark.parametrize("side", ["query", "base"])
@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_by_name(case: str, side: str, engine: str) -> None:
    rows, message = BAD[case]
    sides = {"query": OTHER, "base": OTHER, side: rows}
    with pytest.raises(InvalidRows, match=rf"^{side} {message}"):
        spolia.join(sides["query"], sides["base"], **WANTED, engine=engine)


def test_lists_are_refused_and_told_how_to_become_rows(engine: str) -> None:
    for query, base, name in ((GOOD.tolist(), OTHER, "query"), (GOOD, OTHER.tolist(), "base")):
        with pytest.raises(InvalidRows, match=rf"^{name}.* but is a list; .*spolia\.normalise"):
            spolia.join(query, base, k=1, engine=engine)


def test_of_two_bad_sides_the_query_is_named(engine: str) -> None:
    with pytest.raises(InvalidRows, match=r"^query must have unit rows, but row 2 "):
        spolia.join(scaled(2, 2.0), scaled(1, 2.0), k=1, engine=engine)


@pytest.mark.parametrize("width", [1, 6, 8])
def test_sides_of_different_width_are_refused(width: int, engine: str) -> None:
    with pytest.raises(InvalidRows, match=rf"same width, but have 7 and {width} columns"):
        spolia.join(GOOD, rows_of("random", 5, width, 0), k=1, engine=engine)


def test_a_bad_row_is_named_wherever_the_rows_lie(tmp_path: Path, engine: str) -> None:
    rows = scaled(33, 2.0)
    np.save(tmp_path / "rows.npy", rows)
    for one in (
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        np.asfortranarray(rows),
        ShardedRows([rows[:9], rows[9:]], 7),
        SubsetRows(rows[::-1], np.arange(40)[::-1]),
    ):
        with pytest.raises(InvalidRows, match=r"^base must have unit rows, but row 33 "):
            spolia.join(OTHER, one, k=1, engine=engine)


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (0, 0)])
def test_an_empty_side_is_legal(n: int, m: int, engine: str) -> None:
    query, base = GOOD[:n], OTHER[:m]
    found = spolia.join(query, base, **WANTED, histogram=4, engine=engine)
    assert_same(found, join_reference(query, base, **WANTED, histogram=4))
    assert found.indices is not None
    assert found.indices.tolist() == [[-1] * 3] * n


def test_the_width_of_an_empty_side_still_counts(engine: str) -> None:
    with pytest.raises(InvalidRows, match="same width"):
        spolia.join(GOOD[:0], rows_of("random", 5, 3, 0), k=1, engine=engine)


class Stored:
    """Rows that can be read and nothing else."""

    def __init__(self, rows: Float32) -> None:
        self._rows = rows
        self.shape, self.dtype = rows.shape, rows.dtype

    def __getitem__(self, key: Any) -> Float32:
        return self._rows[key].copy()


class Named(np.ndarray[Any, Any]):
    """An array of somebody's own kind."""


def mapped(rows: Float32, tmp_path: Path) -> Float32:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
    np.save(path, rows)
    found: Float32 = np.load(path, mmap_mode="r")
    return found


def strided(rows: Float32, step: int) -> Float32:
    """Return equal rows whose columns lie ``step`` numbers apart, with NaN between them."""
    wide = np.full((len(rows), rows.shape[1] * abs(step)), np.nan, dtype=np.float32)
    wide[:, ::step] = rows
    return wide[:, ::step]


def sparse(rows: Float32) -> Float32:
    """Return equal rows that lie apart, with NaN between them."""
    tall = np.full((3 * len(rows), rows.shape[1] + 5), np.nan, dtype=np.float32)
    tall[::3, 2:-3] = rows
    return tall[::3, 2:-3]


def unaligned(rows: Float32) -> Float32:
    content = b"\0" + rows.tobytes()
    return np.frombuffer(content, dtype=np.float32, offset=1).reshape(rows.shape)


def frozen(rows: Float32) -> Float32:
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


LAYOUTS = {
    "fortran": lambda rows, _: np.asfortranarray(rows),
    "strided columns": lambda rows, _: strided(rows, 3),
    "columns backwards": lambda rows, _: strided(rows, -1),
    "columns backwards, apart": lambda rows, _: strided(rows, -2),
    "rows backwards": lambda rows, _: rows[::-1].copy()[::-1],
    "rows apart": lambda rows, _: sparse(rows),
    "all backwards": lambda rows, _: rows[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned": lambda rows, _: unaligned(rows),
    "read-only": lambda rows, _: frozen(rows),
    "own kind": lambda rows, _: rows.view(Named),
    "mapped": mapped,
    "mapped, transposed": lambda rows, folder: mapped(np.ascontiguousarray(rows.T), folder).T,
    "mapped, fortran": lambda rows, folder: mapped(np.asfortranarray(rows), folder),
    "mapped view": lambda rows, folder: mapped(np.repeat(rows, 2, axis=0), folder)[::2],
    "shards": lambda rows, folder: ShardedRows(
        [mapped(rows[:5], folder), rows[5:5], np.asfortranarray(rows[5:11]), rows[11:]],
        rows.shape[1],
    ),
    "subset": lambda rows, _: SubsetRows(rows[::-1], np.arange(len(rows))[::-1]),
    "only read": lambda rows, _: Stored(rows),
}


@pytest.mark.parametrize("kind", ["random", "ties"])
@pytest.mark.parametrize("d", [1, 3, 70])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_result_does_not_depend_on_how_the_rows_lie(
    layout: str, d: int, kind: str, engine: str, tmp_path: Path
) -> None:
    query, base = rows_of(kind, 13, d, 2), rows_of(kind, 29, d, 3)
    lay = LAYOUTS[layout]
    found = spolia.join(lay(query, tmp_path), lay(base, tmp_path), **WANTED, engine=engine)
    assert_same(found, join_reference(query, base, **WANTED))


def test_one_row_may_stand_for_many(engine: str) -> None:
    rows = np.broadcast_to(GOOD[3], (12, 7))
    found = spolia.join(rows, rows, **WANTED, engine=engine)
    assert_same(found, join_reference(rows.copy(), rows.copy(), **WANTED))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_join_leaves_its_input_as_it_was(layout: str, engine: str, tmp_path: Path) -> None:
    rows = LAYOUTS[layout](rows_of("random", 13, 7, 2), tmp_path)
    spolia.join(rows, rows, **WANTED, histogram=5, engine=engine)
    np.testing.assert_array_equal(rows[0:13], rows_of("random", 13, 7, 2))
