"""A set of images as the set of their faces: what the judge sees, and all that compares images."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from spolia.core.errors import UnreadableImage, UsageError
from spolia.core.progress import Progress, silent
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, Float64
from spolia.embedding import Embedder, Pixels
from spolia.embedding.align import fit
from spolia.embedding.detect import YuNet
from spolia.embedding.dlib_detect import NAME as DLIB
from spolia.embedding.dlib_detect import DlibFinder
from spolia.embedding.face_cards import load_detector_card
from spolia.embedding.faces import Choice, Cut, FaceCutter, GivenFaces, checked_choice
from spolia.embedding.protocol import Batched, needs_points
from spolia.sources import Source
from spolia.sources.landmarks import Landmarks, read_landmarks

_TELL_EVERY = 64

ALIGNMENT = "arcface-112"
"""How faces are aligned, as a card calls it."""

Cutters = Callable[[str | None], FaceCutter]
"""From a role (``None``: the only set) to what cuts its images."""


def choice_of(given: str | None, *, cut: bool) -> Choice | None:
    """Return which faces count; ``None`` where none are cut.

    Raises
    ------
    UsageError
        If there is no such choice, or nothing to choose from.
    """
    if given is None:
        return "largest" if cut else None
    choice = checked_choice(given)
    if cut:
        return choice
    raise UsageError(
        f"the choice of a face ({given}) needs faces to choose from; give --detector CARD or "
        "--landmarks FILE"
    )


def open_cutters(
    detector: str | None, landmarks: str | None, choice: Choice | None
) -> Cutters | None:
    """Return what cuts the faces of every set; ``None`` where nothing is to be cut.

    Raises
    ------
    UsageError
        If both a detector and points are given, or points that are no faces'.
    InvalidCard
        If the detector's card or model is wrong.
    MissingExtra
        If the detector needs an extra that is not installed.
    """
    if detector is not None and landmarks is not None:
        raise UsageError(
            "faces are found by a detector or given as landmarks, but both are asked for; leave "
            "one out"
        )
    if detector is not None:
        finder = DlibFinder() if detector == DLIB else YuNet(load_detector_card(detector))
        cutter = FaceCutter(finder, choice or "largest")
        return lambda _: cutter
    if landmarks is not None:
        given = read_landmarks(Path(landmarks))
        _check_faces(given)
        return lambda role: FaceCutter(
            GivenFaces(given.of(role), given.fingerprint), choice or "largest"
        )
    return None


def cut_faces(
    images: Source,
    detector: str | Path | None,
    landmarks: str | Path | None,
    face: str | None,
    progress: Progress = silent,
) -> Source:
    """Return the faces of a set that stands alone, or the images where none are asked for.

    Raises
    ------
    UsageError
        As `open_cutters` and `choice_of`, or if the points name what the set has not.
    """
    card = None if detector is None else str(detector)
    points = None if landmarks is None else str(landmarks)
    choice = choice_of(face, cut=card is not None or points is not None)
    cutters = open_cutters(card, points, choice)
    if cutters is None:
        return images
    faces = CutSource(images, cutters(None), progress)
    check_named(points, [(None, faces)])
    return faces


def _check_faces(given: Landmarks) -> None:
    """Refuse points most of which are no faces': their columns are in another order."""
    wrong: list[tuple[str, UsageError]] = []
    for (_, name), faces in given.points.items():
        for points in faces:
            try:
                fit(points)
            except UsageError as error:
                wrong.append((name, error))
    if 2 * len(wrong) > sum(map(len, given.points.values())):
        name, why = wrong[0]
        raise UsageError(
            f"{given.path} must hold faces, but {len(wrong):,} rows are none (first: {name!r}): "
            f"{why}"
        )


def check_named(landmarks: str | None, sources: Iterable[tuple[str | None, Source]]) -> None:
    """Refuse points of an image that no set has: a misspelt id would be an image without a face.

    Raises
    ------
    UsageError
        Names the first such id.
    """
    if landmarks is None:
        return
    known = [
        (role, frozenset(one.of_images if isinstance(one, CutSource) else one.ids))
        for role, one in sources
    ]
    roles = dict.fromkeys(role for role, _ in known if role is not None)
    for role, name in read_landmarks(Path(landmarks)).points:
        if role is not None and role not in roles:
            wanted = f"one of {', '.join(roles)}" if roles else "left out, because there is one set"
            raise UsageError(f"the column set of {landmarks} must be {wanted}, but has {role!r}")
        homes = [one or "" for one, ids in known if role in (None, one) and name in ids]
        if not homes:
            raise UsageError(
                f"{landmarks} must name the id of an image, but names {name!r}, which "
                f"{'no set has' if role is None else f'{role} has not'}; correct it, or take the "
                "row out"
            )
        if len(homes) > 1:
            raise UsageError(
                f"{landmarks} names the id {name!r}, which is in {' and in '.join(homes)}; add a "
                "column set that says which is meant, and audit one synthetic set at a time"
            )


class CutSource:
    """A `Source` of the faces in the images of another, cut when asked for.

    Where every face of an image counts, the images are searched once when it is opened, to know how
    many there are: an image with two is two records, one without is a record that cannot be read.
    """

    def __init__(self, images: Source, cutter: FaceCutter, progress: Progress = silent) -> None:
        self._images = images
        self._cutter = cutter
        self.finder = cutter.summary
        self.choice = cutter.choice
        self.method = cutter.method
        self.uri = images.uri
        self._places = [(index, 0) for index in range(len(images))]
        self.ids = images.ids
        if cutter.choice == "all":
            self._places, self.ids = _all_faces(images, cutter, progress)
        of = [index for index, _ in self._places]
        self.identities = (
            None if images.identities is None else tuple(images.identities[i] for i in of)
        )
        self.columns: Mapping[str, tuple[str, ...]] = {
            name: tuple(values[i] for i in of) for name, values in images.columns.items()
        }

    @property
    def of_images(self) -> tuple[str, ...]:
        """Ids of the images, of which each may be no record or several."""
        return self._images.ids

    @property
    def ignored(self) -> int:
        """How many files of the set were left out because they are not images."""
        return self._images.ignored

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the images and of what decides the cuts."""
        both = self._images.fingerprint + self._cutter.fingerprint
        return hashlib.blake2b(both.encode(), digest_size=32).hexdigest()

    def content(self, index: int) -> bytes:
        """Return the image's bytes and what decides the cut: equal bytes are equal faces."""
        at, number = self._places[index]
        decides = self._cutter.decides(self._images.ids[at])
        return self._images.content(at) + decides + str(number).encode()

    def image(self, index: int) -> Pixels:
        """Return the face as ``(112, 112, 3)`` RGB.

        Raises
        ------
        UnreadableImage
            If the image cannot be read; a `NoFace` if it shows no face that counts.
        """
        return self.cut(index).pixels

    def cut(self, index: int) -> Cut:
        """Return the face and its points; see `image`."""
        at, number = self._places[index]
        return self._cutter.cut(self._images.ids[at], self._images.image(at))[number]

    def __len__(self) -> int:
        return len(self._places)


def _all_faces(
    images: Source, cutter: FaceCutter, progress: Progress
) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """Return image and number of every face, and their ids."""

    def suffixes(index: int) -> Sequence[str]:
        try:
            return [cut.suffix for cut in cutter.cut(images.ids[index], images.image(index))]
        except UnreadableImage:
            return [""]

    places: list[tuple[int, int]] = []
    ids: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for index, found in enumerate(pool.map(suffixes, range(len(images)))):
            places += [(index, number) for number in range(len(found))]
            ids += [images.ids[index] + suffix for suffix in found]
            if (index + 1) % _TELL_EVERY == 0 or index + 1 == len(images):
                progress("faces", index + 1, len(images))
    if len(set(ids)) < len(ids):
        twice = next(name for i, name in enumerate(ids) if name in ids[:i])
        raise UsageError(
            f"every face needs a name of its own, but {twice!r} is both an image of {images.uri} "
            "and a face in another; rename the image"
        )
    return places, tuple(ids)


@dataclass(frozen=True)
class OfFaces:
    """A judge that is given faces: rows of it compare only with rows of faces cut alike."""

    judge: Embedder
    method: str
    """Digest of how faces are cut."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        return self.judge.name

    @property
    def kind(self) -> Kind:
        """What a high similarity means."""
        return self.judge.kind

    @property
    def dim(self) -> int:
        """Columns of a row."""
        return self.judge.dim

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the judge and of how faces are cut."""
        return hashlib.sha256((self.judge.fingerprint + self.method).encode()).hexdigest()

    @property
    def summary(self) -> ModelSummary:
        """What a report says about the judge."""
        return replace(self.judge.summary, fingerprint=self.fingerprint)

    def embed(self, image: Pixels) -> Float32:
        """Return the row of one face; see `Embedder.embed`."""
        return self.judge.embed(image)

    @property
    def takes_points(self) -> bool:
        """Whether the judge must be told where eyes, nose and mouth are, see `TakesPoints`."""
        return needs_points(self.judge)

    def embed_with_points(self, image: Pixels, points: Float64) -> Float32:
        """Return the row of one face; see `TakesPoints.embed_with_points`."""
        if needs_points(self.judge):
            return self.judge.embed_with_points(image, points)
        return self.judge.embed(image)

    @property
    def batch(self) -> int:
        """Faces in a call of the judge, see `Batched`."""
        return self.judge.batch if isinstance(self.judge, Batched) else 1

    def embed_batch(self, images: Iterable[Pixels]) -> list[Float32 | UnreadableImage]:
        """Return the rows of several faces, see `Batched.embed_batch`."""
        if isinstance(self.judge, Batched):
            return self.judge.embed_batch(images)
        return [_row_or_reason(self.judge, image) for image in images]


def alignment_of(judge: Embedder) -> str:
    """Return what the images must be for a judge, ``none`` where it does not say."""
    of = judge.judge if isinstance(judge, OfFaces) else judge
    return str(getattr(of, "alignment", "none"))


def _row_or_reason(judge: Embedder, image: Pixels) -> Float32 | UnreadableImage:
    try:
        return judge.embed(image)
    except UnreadableImage as error:
        return error
