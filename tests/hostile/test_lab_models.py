"""Model files that are damaged, or made to harm, are refused and never obeyed."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from spolia.core.errors import UsageError
from spolia.lab.model_file import HEADER
from spolia.lab.training import open_model
from tests.lab_models import SETTINGS, made_up
from tests.spec.lab_pictures import SIDE


@pytest.fixture
def model():
    return made_up()


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "a.model")
    return tmp_path / "a.model"


def rewritten(path, changed, *, packed=False, drop=()):
    """Write the file anew with some members changed, and return its path."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = {name: one for name, one in (members | changed).items() if name not in drop}
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, one in members.items():
            archive.writestr(name, one)
    return path


def npy(array, **more):
    file = io.BytesIO()
    np.save(file, array, **more)
    return file.getvalue()


def header_of(path, **changed):
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read(HEADER))
    header["settings"] |= changed.pop("settings", {})
    return {HEADER: json.dumps(header | changed).encode()}


def refused(path):
    with pytest.raises(UsageError) as caught:
        open_model(path)
    said = str(caught.value)
    assert str(path) in said
    assert "spolia lab train" in said
    return said


def test_what_is_written_is_what_is_read(model, path):
    there = open_model(path)
    assert there.fingerprint == model.fingerprint
    assert there.name == model.name == "ddpm 8x8, 2,000 steps"
    assert (there.settings, there.seed, there.images) == (SETTINGS, 0, 6)
    assert (there.sample(5, seed=1) == model.sample(5, seed=1)).all()
    assert path.stat().st_mode & 0o177 == 0


def test_the_same_model_gives_the_same_bytes(model, path, tmp_path):
    model.save(tmp_path / "b.model")
    assert (tmp_path / "b.model").read_bytes() == path.read_bytes()


def test_a_file_cut_short_anywhere_is_refused(path):
    whole = path.read_bytes()
    for length in {0, 1, 100, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        assert "damaged" in refused(path)


def test_a_flipped_bit_is_noticed(path):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(bytes(whole))
    assert refused(path)


def test_other_files_are_refused(tmp_path):
    assert "there is none at" in refused(tmp_path / "missing")
    assert "there is none at" in refused(tmp_path)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    assert "has no header.json" in refused(tmp_path / "other.npz")
    (tmp_path / "text").write_text("no zip")
    assert "damaged" in refused(tmp_path / "text")


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickled_array_is_never_unpickled(path, tmp_path):
    harm = npy(np.array([Harm(tmp_path / "harmed")], dtype=object), allow_pickle=True)
    assert "must be float32" in refused(rewritten(path, {"latent.mean.npy": harm}))
    plain = pickle.dumps(Harm(tmp_path / "harmed"))
    assert refused(rewritten(path, {"latent.mean.npy": plain}))
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(SIDE * SIDE * 3 + 1, np.float32),
        np.zeros((1, SIDE * SIDE * 3), np.float32),
        np.zeros(SIDE * SIDE * 3, np.float64),
        np.zeros(SIDE * SIDE * 3, ">f4"),
        np.zeros((), np.float32),
    ],
)
def test_arrays_of_another_shape_or_type_are_refused(path, array):
    assert "latent.mean" in refused(rewritten(path, {"latent.mean.npy": npy(array)}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(path, value):
    broken = np.full(8, value, np.float32)
    assert "must be finite" in refused(rewritten(path, {"weights.in.bias.npy": npy(broken)}))


def test_bytes_behind_an_array_are_refused(path):
    longer = npy(np.zeros(8, np.float32)) + b"more"
    assert "longer than its shape" in refused(rewritten(path, {"weights.in.bias.npy": longer}))


def test_a_claimed_size_sets_no_memory_aside(path):
    huge = header_of(path, settings={"side": 256, "latents": 4096, "width": 4096}, components=4096)
    assert "bytes of numbers, but it has" in refused(rewritten(path, huge))
    header = npy(np.zeros(8, np.float32)).replace(b"(8,)", b"(9999999999,)", 1)
    assert refused(rewritten(path, {"weights.in.bias.npy": header}))


def test_packed_members_are_refused_so_that_no_file_is_larger_than_it_is(path):
    bomb = {"latent.axes.npy": npy(np.zeros((4, SIDE * SIDE * 3), np.float32))}
    assert "packed" in refused(rewritten(path, bomb, packed=True))
    assert "longer than" in refused(rewritten(path, {HEADER: b" " * (1 << 20)}))


def test_members_that_are_missing_or_too_many_are_named(path):
    assert "weights.in.bias" in refused(rewritten(path, {}, drop=("weights.in.bias.npy",)))


def test_a_member_that_no_one_called_for_is_named(path):
    assert "'more.npy'" in refused(rewritten(path, {"more.npy": npy(np.zeros(1))}))


def test_a_member_that_is_there_twice_is_refused(path):
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("latent.mean.npy", b"")
    assert "latent.mean" in refused(path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": "spolia-lab/9"}, "format must be spolia-lab/1"),
        ({"settings": {"family": "vae"}}, "family must be one of"),
        ({"settings": {"side": -1}}, "side must be a whole number"),
        ({"settings": {"more": 1}}, "settings are"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"images": None}, "images must be"),
        ({"components": 0}, "1 to 4 components"),
        ({"components": 5}, "1 to 4 components"),
        ({"components": True}, "components must be"),
    ],
)
def test_headers_that_say_what_cannot_be_are_refused(path, changed, said):
    assert said in refused(rewritten(path, header_of(path, **changed)))


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"{}", b'{"format": "spolia-lab/1"}'])
def test_headers_that_are_none_are_refused(path, text):
    assert refused(rewritten(path, {HEADER: text}))


def test_weights_that_blow_up_give_no_image(path):
    shape = (4, 8)
    huge = np.full(shape, 3e38, np.float32)
    there = open_model(rewritten(path, {"weights.in.weight.npy": npy(huge)}))
    with pytest.raises(UsageError, match="no numbers"):
        there.sample(1, seed=0)
