"""Finding faces by YuNet, a small network described by a card.

For a grid of cells of 8, 16 and 32 pixels, the network gives a score for "face" and one for
"something", a box and five points, relative to the cell (W. Wu, H. Peng, S. Yu, "YuNet: a tiny
millisecond-level face detector", Machine Intelligence Research 20, 2023,
doi:10.1007/s11633-023-1423-y). A face is where the geometric mean of the two scores is high
enough, and no better face overlaps it. With the cell at column i and row j of side s,

    centre = ((i, j) + box[:2]) s,    size = exp(box[2:]) s,    point_k = ((i, j) + kps_k) s

The network takes BGR from 0 to 255 and sides that are multiples of 32: the image is padded with
black on the right and below. Large images are made smaller before, and the points are given in
the image as it was.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import PIL
from PIL import Image

from spolia.core.errors import InvalidCard, UnreadableImage
from spolia.core.results import ModelSummary
from spolia.core.types import Float32, Float64, Int64
from spolia.embedding.about import about_card, digest_of
from spolia.embedding.face_cards import DetectorCard
from spolia.embedding.preprocess import check_pixels
from spolia.embedding.protocol import Pixels
from spolia.embedding.session import PlainNetwork, onnxruntime_module

VERSION = 1
"""Grows when the same image and network give other faces."""

_SIDES = (8, 16, 32)
_PAD_TO = 32
_HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_TRIED = (64, 96)
"""A size that no other has by chance, to see whether the network's outputs are YuNet's."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face in an image."""

    points: Float64
    """``(5, 2)`` x and y in pixels, in the order of `spolia.embedding.align.POINTS`."""
    score: float
    """How sure the detector is, 0 to 1; 1 for a face whose points were given."""


@dataclass(frozen=True, eq=False)
class _Candidates:
    boxes: Float64
    """``(n, 4)`` left, top, right, bottom."""
    points: Float64
    """``(n, 5, 2)``."""
    scores: Float64
    """``(n,)``."""


class YuNet:
    """The detector of a card.

    Raises
    ------
    InvalidCard
        If the model is missing, is not the card's, or has not the outputs of YuNet.
    MissingExtra
        If onnxruntime is not installed, or too old.
    """

    def __init__(self, card: DetectorCard) -> None:
        self.card = card
        self._network = PlainNetwork(card, (1, 3, *_TRIED))
        self._check_outputs()

    @cached_property
    def method(self) -> str:
        """Digest of everything that decides which faces are found."""
        decides = {
            "model": self.card.model.sha256,
            "family": self.card.family,
            "longest_side": self.card.longest_side,
            "score": self.card.score,
            "overlap": self.card.overlap,
            "detect": VERSION,
            "pillow": PIL.__version__,
            "onnxruntime": onnxruntime_module().__version__,
        }
        return digest_of(decides)

    @property
    def fingerprint(self) -> str:
        """The same: it looks at nothing but the image."""
        return self.method

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return about_card(self.card, "unknown", self.method)

    def told(self, name: str) -> bytes:  # noqa: ARG002  (the protocol's)
        """Return nothing: it looks at nothing but the image."""
        return b""

    def find(self, name: str, image: Pixels) -> tuple[Face, ...]:  # noqa: ARG002  (the protocol's)
        """Return the faces of an image, the surest first; none is an answer.

        Raises
        ------
        UsageError
            If ``image`` is not ``(h, w, 3)`` uint8 with at least one pixel.
        UnreadableImage
            If the network gives no numbers for it.
        """
        check_pixels(image)
        smaller = shrunk(image, self.card.longest_side)
        padded = _padded(smaller)
        found = _decode(self._network.run(padded), padded.shape[3], self.card.score)
        ratio = np.array([image.shape[1] / smaller.shape[1], image.shape[0] / smaller.shape[0]])
        return tuple(
            Face(found.points[i] * ratio, float(found.scores[i]))
            for i in kept(found.boxes, found.scores, self.card.overlap)
        )

    def _check_outputs(self) -> None:
        h, w = _TRIED
        outputs = self._network.run(np.zeros((1, 3, h, w), np.float32))
        for side in _SIDES:
            for head, width in _HEADS.items():
                wanted = (1, (h // side) * (w // side), width)
                came = outputs.get(f"{head}_{side}")
                if came is None or came.shape != wanted:
                    raise InvalidCard(
                        f'card {self.card.path} says family = "yunet", whose output {head}_{side} '
                        f"has shape {wanted} for an image of {h} x {w}, but the model gives "
                        f"{'no such output' if came is None else came.shape}; the model is another"
                    )


def shrunk(image: Pixels, longest: int) -> Pixels:
    """Return an image no side of which is longer than ``longest`` pixels."""
    h, w = image.shape[:2]
    if max(h, w) <= longest:
        return image
    ratio = longest / max(h, w)
    size = max(1, round(w * ratio)), max(1, round(h * ratio))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def _padded(image: Pixels) -> Float32:
    """Return ``(1, 3, h, w)`` BGR from 0 to 255, black up to the next multiples of 32."""
    h, w = (-(-side // _PAD_TO) * _PAD_TO for side in image.shape[:2])
    padded = np.zeros((1, 3, h, w), np.float32)
    padded[0, :, : image.shape[0], : image.shape[1]] = image[..., ::-1].transpose(2, 0, 1)
    return padded


def _decode(outputs: dict[str, Float32], width: int, least: float) -> _Candidates:
    """Return every cell of an image of this width whose score is at least ``least``."""
    boxes, points, scores = [], [], []
    for side in _SIDES:
        values = {head: outputs[f"{head}_{side}"][0].astype(np.float64) for head in _HEADS}
        if not all(np.isfinite(one).all() for one in values.values()):
            raise UnreadableImage("the detector gives a NaN or infinite value for it")
        product = np.clip(values["cls"], 0.0, 1.0) * np.clip(values["obj"], 0.0, 1.0)
        score = np.sqrt(product[:, 0])
        at = np.flatnonzero(score >= least)
        row, column = np.divmod(at, width // side)
        cell = np.column_stack([column, row]).astype(np.float64)
        box = values["bbox"][at]
        centre, half = (box[:, :2] + cell) * side, np.exp(np.minimum(box[:, 2:], 50.0)) * side / 2.0
        boxes.append(np.hstack([centre - half, centre + half]))
        points.append((values["kps"][at].reshape(-1, 5, 2) + cell[:, None]) * side)
        scores.append(score[at])
    return _Candidates(np.vstack(boxes), np.concatenate(points), np.concatenate(scores))


def kept(boxes: Float64, scores: Float64, overlap: float) -> Int64:
    """Return which boxes no better one overlaps, the best first; of equal ones the first is better.

    Parameters
    ----------
    boxes
        ``(n, 4)`` left, top, right, bottom.
    scores
        ``(n,)``.
    overlap
        Boxes overlap if they share more than this of their union.

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
    >>> kept(boxes, np.array([0.8, 0.9, 0.7]), 0.3).tolist()
    [1, 2]
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    best: list[int] = []
    while order.size:
        one, rest = order[0], order[1:]
        best.append(int(one))
        left_top = np.maximum(boxes[one, :2], boxes[rest, :2])
        shared = np.clip(np.minimum(boxes[one, 2:], boxes[rest, 2:]) - left_top, 0.0, None)
        both = shared[:, 0] * shared[:, 1]
        order = rest[both <= overlap * (area[one] + area[rest] - both)]
    return np.array(best, dtype=np.int64)
