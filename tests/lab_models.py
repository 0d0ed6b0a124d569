"""A model as training leaves it, made up: no torch is needed to ask it."""

import numpy as np

from spolia.lab.latent import fit_latent
from spolia.lab.settings import Settings
from spolia.lab.training import Trained, shapes_of
from tests.spec.lab_pictures import SIDE, blobs

SETTINGS = Settings(side=SIDE, steps=2000, latents=4, width=8, batch=2)


def made_up(seed=0):
    """Return a model with random weights."""
    latent = fit_latent(blobs(6, seed), SETTINGS.latents)
    rng = np.random.default_rng(seed)
    shapes = shapes_of(SETTINGS, len(latent.axes))
    weights = {name: rng.normal(size=one).astype(np.float32) for name, one in shapes.items()}
    return Trained(SETTINGS, seed, 6, latent, weights)
