"""Asking a generator is asking its samples, drawn once and kept."""

import numpy as np
import pytest

from spolia import Options, identity
from spolia.auditing.generating import SAMPLES, Sampled
from spolia.auditing.purge import find_personal
from spolia.auditing.squares import square_images, squared
from spolia.core.errors import PlanMismatch, RunIncomplete, TooManyUnreadable, UsageError
from spolia.core.types import Embeddings, normalise
from spolia.sources import open_source
from spolia.sources.limits import Limits
from tests.pictures import picture


class Counted:
    """A generator of soft pictures that counts how often it is asked."""

    name = "counted"

    def __init__(self, fingerprint="c0"):
        self.fingerprint = fingerprint
        self.asked = 0

    def sample(self, n, *, seed, progress):
        self.asked += 1
        progress("sample", n, n)
        return np.stack([picture(1000 * seed + i, 24) for i in range(n)])


@pytest.fixture
def photos(tmp_path):
    """Members, who are shown, and non-members."""
    for name, first, n in (("members", 0, 10), ("others", 5000, 30)):
        pictures = [picture(first + i, 24).astype(int) + 3 for i in range(n)]
        np.save(tmp_path / f"{name}.npy", np.clip(pictures, 0, 255).astype(np.uint8))
    return {"members": tmp_path / "members.npy", "nonmembers": tmp_path / "others.npy"}


def ask(synthetic, photos, *, out=None, overwrite=False):
    return identity(synthetic=synthetic, **photos, out=out, options=Options(overwrite=overwrite))


def test_asking_a_generator_is_asking_its_samples(photos, tmp_path):
    np.save(tmp_path / "s.npy", Counted().sample(40, seed=0, progress=lambda *_: None))
    by_hand = ask(tmp_path / "s.npy", photos)
    asked = ask(Sampled(Counted(), 40), photos)
    assert asked.summary == by_hand.summary
    assert asked.identities.equals(by_hand.identities)
    assert asked.summary.outcome == "found"


def test_samples_are_drawn_once_and_kept_for_the_owner(photos, tmp_path):
    generator, run = Counted(), tmp_path / "run"
    first = ask(Sampled(generator, 40), photos, out=run)
    again = ask(Sampled(generator, 40), photos, out=run)
    assert generator.asked == 1
    assert again.summary == first.summary
    assert (run / SAMPLES).stat().st_mode & 0o177 == 0
    assert run / SAMPLES in [one.path for one in find_personal(run)]
    with pytest.raises(UsageError, match="delete it, and they are drawn again"):
        Sampled(generator, 41).draw(run)


@pytest.mark.parametrize(
    ("generator", "samples", "seed"), [("c1", 40, 0), ("c0", 41, 0), ("c0", 40, 1)]
)
def test_a_run_of_another_generator_number_or_seed_is_refused(
    photos, tmp_path, generator, samples, seed
):
    run = tmp_path / "run"
    ask(Sampled(Counted(), 40), photos, out=run)
    other = Sampled(Counted(generator), samples, seed=seed)
    with pytest.raises(PlanMismatch, match="synthetic was"):
        ask(other, photos, out=run)
    anew = ask(other, photos, out=run, overwrite=True)
    assert anew.summary.sets[0].records == samples


def test_a_generator_in_the_folder_that_is_to_be_emptied_is_not_deleted(photos, tmp_path):
    run = tmp_path / "run"
    ask(Sampled(Counted(), 40), photos, out=run)
    (run / "a.model").write_text("weights")
    inside = Sampled(Counted(), 41, place=run / "a.model")
    with pytest.raises(UsageError, match="would be deleted"):
        ask(inside, photos, out=run, overwrite=True)
    assert (run / "a.model").exists()


def test_samples_are_not_there_before_they_are_drawn():
    one = Sampled(Counted(), 3)
    assert (len(one), one.ids) == (3, ("0", "1", "2"))
    for read in (lambda: one.fingerprint, lambda: one.image(0), lambda: one.content(0)):
        with pytest.raises(RunIncomplete, match="not drawn yet"):
            read()


def test_numbers_of_samples_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="at least 1 sample"):
        Sampled(Counted(), 0)
    with pytest.raises(UsageError, match="entries"):
        Sampled(Counted(), 11, limits=Limits(entries=10))


def test_samples_are_not_compared_with_embeddings():
    rows = Embeddings(normalise(np.random.default_rng(0).normal(size=(9, 4))))
    with pytest.raises(UsageError, match="samples of a generator are images"):
        identity(synthetic=Sampled(Counted(), 3), members=rows, nonmembers=rows)


def test_the_middle_of_an_image_is_taken_and_no_side_is_stretched():
    image = picture(0, 40, width=60)
    assert (squared(image, 40) == image[:, 10:50]).all()
    assert (squared(image.transpose(1, 0, 2), 40) == image.transpose(1, 0, 2)[10:50]).all()
    assert squared(image, 16).shape == (16, 16, 3)
    assert squared(image[:1, :1], 4).shape == (4, 4, 3)


def test_images_that_cannot_be_read_are_left_out_and_counted(tmp_path):
    from PIL import Image

    for i in range(9):
        Image.fromarray(picture(i, 20)).save(tmp_path / f"{i}.png")
    (tmp_path / "broken.png").write_bytes(b"no png")
    source = open_source(tmp_path)
    read = square_images(source, 8, max_bad=0.1)
    assert read.images.shape == (9, 8, 8, 3)
    assert [one.id for one in read.unreadable] == ["broken.png"]
    with pytest.raises(TooManyUnreadable, match=r"1 of 10 images"):
        square_images(source, 8)
