"""Five points of a face, as networks take them that need to be told where they are."""

import numpy as np

from spolia.core.errors import UsageError
from spolia.core.types import Float32, Float64
from spolia.embedding.align import SIZE, TEMPLATE
from spolia.embedding.preprocess import InputSpec


def template_points(size: tuple[int, int]) -> Float64:
    """Return the points ``(5, 2)`` of the template in an image of ``size``; for the self-test.

    >>> template_points((112, 112))[0].tolist(), template_points((224, 224))[0].round(2).tolist()
    ([38.2946, 51.6963], [77.09, 103.89])
    """
    return _moved(TEMPLATE, (SIZE, SIZE), size)


def network_points(points: Float64, shape: tuple[int, int], spec: InputSpec) -> Float32:
    """Return what a network takes for the points of one image: float32 of shape ``(1, 5, 2)``.

    They follow the image where it is resized, and are divided by its width and height where the
    card says ``keypoint_range = "unit"``.

    Parameters
    ----------
    points
        ``(5, 2)`` x and y in pixels of the image; the middle of the first pixel is (0, 0).
    shape
        Height and width of the image.
    spec
        The card's ``[input]``.

    Raises
    ------
    UsageError
        If ``points`` are not five finite pairs.

    Examples
    --------
    >>> spec = InputSpec((112, 112), "NCHW", "RGB", (0.0, 1.0), keypoint_range="unit")
    >>> network_points(TEMPLATE, (112, 112), spec)[0, 2].round(3).tolist()
    [0.5, 0.640...]
    """
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (len(TEMPLATE), 2) or not np.isfinite(points).all():
        raise UsageError(
            "points must be five finite pairs of x and y, of left eye, right eye, nose and the "
            f"corners of the mouth, but are {points.dtype} of shape {points.shape}: "
            f"{points.reshape(-1)[:10].tolist()}"
        )
    moved = _moved(points, shape, spec.size)
    if spec.keypoint_range == "unit":
        moved = moved / np.array(spec.size[::-1], dtype=np.float64)
    return moved[None].astype(np.float32)


def _moved(points: Float64, old: tuple[int, int], new: tuple[int, int]) -> Float64:
    """Return where points go when an image is resized: edges stay edges, not pixel centres."""
    scale = np.array([new[1] / old[1], new[0] / old[0]])
    # Exact where the size stays: (x + 0.5) - 0.5 is not always x.
    moved: Float64 = points * scale + (scale - 1.0) / 2.0
    return moved
