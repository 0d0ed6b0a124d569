"""Records of other sources as one source: several joined, or some of one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.sources.source import Found, Source, UInt8, fingerprint_of, images_of

Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class JoinedSource:
    """Records of other sources; a `Source`.

    Parameters
    ----------
    uri, ids, identities, ignored, columns
        As in `Source`.
    parts
        Where the records lie.
    part_of, row_of
        ``(n,)``: which of the parts holds each record, and where in it.
    progress
        Told about the fingerprint.
    """

    uri: str
    ids: tuple[str, ...] = field(repr=False)
    identities: tuple[str, ...] | None = field(repr=False)
    ignored: int
    columns: Columns = field(repr=False)
    parts: tuple[Source, ...]
    part_of: npt.NDArray[np.int64] = field(repr=False)
    row_of: npt.NDArray[np.int64] = field(repr=False)
    progress: Progress = field(repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids and contents."""
        return fingerprint_of(self.ids, self.content, progress=self.progress)

    def located(self, index: int) -> tuple[Source, int]:
        """Return the source that holds record ``index``, and where in it."""
        return self.parts[self.part_of[index]], int(self.row_of[index])

    def content(self, index: int) -> bytes:
        """Return what record ``index`` holds."""
        source, row = self.located(index)
        return source.content(row)

    def image(self, index: int) -> UInt8:
        """Return record ``index`` as upright RGB, ``(h, w, 3)`` uint8."""
        source, row = self.located(index)
        return source.image(row)

    def each_image(self, indices: Sequence[int]) -> Iterator[Found]:
        """Yield some records, decoded ahead where their source can; see `images_of`."""
        for part, several in groupby(indices, key=lambda index: int(self.part_of[index])):
            yield from images_of(self.parts[part], [int(self.row_of[index]) for index in several])

    def __len__(self) -> int:
        return len(self.ids)


def join_sources(uri: str, sources: Sequence[Source], progress: Progress) -> Source:
    """Return several sources as one, in order; identities of one name are one.

    The ids stay as they are where all are distinct, else each gets the number of its source in
    front: ``1/``, ``2/`` ... A column that one source lacks is empty there.

    Raises
    ------
    UsageError
        If identities are known in some and unknown in others.
    """
    if len(sources) == 1:
        return sources[0]
    unknown = [source.uri for source in sources if source.identities is None]
    if 0 < len(unknown) < len(sources):
        raise UsageError(
            "joined sets must all have identities or all none, but those of "
            f"{unknown[0]!r} are unknown, and of others known; say --identities none, or folder"
        )
    lengths = [len(source) for source in sources]
    return JoinedSource(
        uri,
        distinct_ids([source.ids for source in sources]),
        None if unknown else tuple(name for one in sources for name in one.identities or ()),
        sum(source.ignored for source in sources),
        _joined_columns(sources),
        tuple(sources),
        np.repeat(np.arange(len(sources)), lengths),
        np.concatenate([np.arange(n) for n in lengths]),
        progress,
    )


def select_records(source: Source, rows: npt.NDArray[np.int64], progress: Progress) -> Source:
    """Return the records ``rows`` of a source, in that order."""
    known = source.identities
    return JoinedSource(
        source.uri,
        tuple(source.ids[row] for row in rows),
        None if known is None else tuple(known[row] for row in rows),
        source.ignored,
        {name: tuple(values[row] for row in rows) for name, values in source.columns.items()},
        (source,),
        np.zeros(len(rows), np.int64),
        rows,
        progress,
    )


def with_column(source: Source, name: str, values: tuple[str, ...], progress: Progress) -> Source:
    """Return a source with one more column."""
    return JoinedSource(
        source.uri,
        source.ids,
        source.identities,
        source.ignored,
        {**source.columns, name: values},
        (source,),
        np.zeros(len(source), np.int64),
        np.arange(len(source)),
        progress,
    )


def distinct_ids(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the ids of all parts; where one occurs twice, with the number of the part in front.

    >>> distinct_ids([["a"], ["b"]]), distinct_ids([["a"], ["a"]])
    (('a', 'b'), ('1/a', '2/a'))
    """
    together = tuple(name for part in parts for name in part)
    if len(set(together)) == len(together):
        return together
    return tuple(f"{at}/{name}" for at, part in enumerate(parts, start=1) for name in part)


def first_twice(names: Sequence[str]) -> tuple[str, int] | None:
    """Return the most frequent name and how often it occurs, where any occurs twice."""
    if len(set(names)) == len(names):
        return None
    return Counter(names).most_common(1)[0]


def _joined_columns(sources: Sequence[Source]) -> Columns:
    names = dict.fromkeys(name for source in sources for name in source.columns)
    return {
        name: tuple(
            value for source in sources for value in source.columns.get(name, ("",) * len(source))
        )
        for name in names
    }
