"""``spolia lab`` as a user calls it, and ``spolia identity --generator``."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from typer.main import get_command

from spolia.cli.main import app, run
from spolia.lab.settings import Settings
from spolia.lab.training import open_model
from tests.lab_models import made_up
from tests.spec.lab_pictures import SIDE, blobs

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None, reason="needs torch: pip install 'spolia[lab]'"
)


@pytest.fixture
def model(tmp_path):
    made_up().save(tmp_path / "a.model")
    return str(tmp_path / "a.model")


@needs_torch
@pytest.mark.parametrize("family", ["ddpm", "gan"])
def test_a_model_is_trained_sampled_and_asked_about(tmp_path, capsys, family):
    np.save(tmp_path / "set.npy", blobs(12, 0))
    out = str(tmp_path / "a.model")
    asked = ["lab", "train", str(tmp_path / "set.npy"), "--family", family, "--out", out]
    assert run([*asked, "--side", "8", "--steps", "5", "--seed", "3"]) == 0
    said = capsys.readouterr()
    assert f"a.model: {family} 8x8, 5 steps, trained on 12 images" in said.out
    assert "train: 5 of 5" in said.err
    assert "do not publish it" in said.err
    assert open_model(out).seed == 3
    assert run(["lab", "sample", out, "--samples", "7", "--out", str(tmp_path / "s.npy")]) == 0
    assert "7 images" in capsys.readouterr().out
    assert np.load(tmp_path / "s.npy").shape == (7, 8, 8, 3)


@needs_torch
def test_json_of_a_training_names_no_image(tmp_path, capsys):
    (tmp_path / "set").mkdir()
    from PIL import Image

    for i, one in enumerate(blobs(30, 0)):
        Image.fromarray(one).save(tmp_path / "set" / f"secret{i}.png")
    (tmp_path / "set" / "secret.png").write_bytes(b"broken")
    asked = ["lab", "train", str(tmp_path / "set"), "--side", "4", "--steps", "2", "--quiet"]
    asked += ["--out", str(tmp_path / "a.model"), "--max-bad", "0.05"]
    assert run([*asked, "--json"]) == 0
    text = capsys.readouterr().out
    said = json.loads(text)
    assert (said["images"], said["unreadable"], said["seed"]) == (30, 1, 0)
    assert said["fingerprint"] == open_model(tmp_path / "a.model").fingerprint
    assert "secret" not in text
    assert run([*asked, "--overwrite"]) == 0
    assert "Left out: secret.png" in capsys.readouterr().out
    assert run([*asked[:-2], "--overwrite"]) == 3
    assert "1 of 31 images" in capsys.readouterr().err


def test_what_is_there_is_not_replaced_unasked(tmp_path, capsys, model):
    np.save(tmp_path / "set.npy", blobs(12, 0))
    before = (tmp_path / "a.model").read_bytes()
    assert run(["lab", "train", str(tmp_path / "set.npy"), "--out", model]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "a.model").read_bytes() == before
    assert run(["lab", "sample", model, "--out", str(tmp_path / "set.npy")]) == 2
    assert "add --overwrite" in capsys.readouterr().err


def test_sampling_is_reproducible_private_and_says_what_it_asked(tmp_path, capsys, model):
    for name in ("a", "b"):
        out = str(tmp_path / f"{name}.npy")
        assert run(["lab", "sample", model, "--samples", "9", "--out", out, "--json"]) == 0
    said = json.loads(capsys.readouterr().out.split("}\n")[0] + "}")
    assert said == {"model": made_up().fingerprint, "samples": 9, "seed": 0}
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert (tmp_path / "a.npy").stat().st_mode & 0o177 == 0
    assert run(["lab", "sample", model, "--out", str(tmp_path / "a.png")]) == 2
    assert run(["lab", "sample", str(tmp_path / "a.npy"), "--out", str(tmp_path / "c.npy")]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_identity_asks_a_model_in_the_place_of_a_set(tmp_path, capsys, model):
    np.save(tmp_path / "q.npy", blobs(3, 1))
    np.save(tmp_path / "n.npy", blobs(30, 2))
    sets = ["--queries", str(tmp_path / "q.npy"), "--nonmembers", str(tmp_path / "n.npy")]
    out = tmp_path / "run"
    asked = ["identity", *sets, "--generator", model, "--samples", "150", "--out", str(out)]
    code = run(asked)
    assert code in (0, 1, 4)
    said = capsys.readouterr()
    assert "sample: 150 of 150" in said.err
    kept = (out / "samples.npy").read_bytes()
    written = (out / "identity.toml").read_text(encoding="utf-8")
    assert made_up().fingerprint in written
    assert "150 samples, seed 0" in written
    assert run(asked) == code
    assert "sample:" not in capsys.readouterr().err
    assert (out / "samples.npy").read_bytes() == kept
    assert run([*asked[:-1], str(tmp_path / "again"), "--seed", "0"]) == code
    assert (tmp_path / "again" / "identity.json").read_bytes() == (
        out / "identity.json"
    ).read_bytes()
    assert run([*asked, "--seed", "1"]) == 2
    assert "holds another question" in capsys.readouterr().err


def test_identity_wants_a_set_or_a_model_and_not_both(tmp_path, capsys, model):
    np.save(tmp_path / "n.npy", blobs(30, 2))
    sets = ["--queries", str(tmp_path / "n.npy"), "--nonmembers", str(tmp_path / "n.npy")]
    assert run(["identity", *sets]) == 2
    assert run(["identity", str(tmp_path / "n.npy"), *sets, "--generator", model]) == 2
    assert "one of SYNTHETIC and --generator MODEL is wanted" in capsys.readouterr().err
    assert run(["identity", str(tmp_path / "n.npy"), *sets, "--samples", "9"]) == 2
    assert "--samples is for --generator MODEL" in capsys.readouterr().err


def test_what_is_trained_unasked_is_what_the_settings_say():
    own = {
        one.name: one.default for one in get_command(app).commands["lab"].commands["train"].params
    }
    assert {name: own[name] for name in ("family", "side", "steps")} == {
        "family": Settings().family,
        "side": Settings().side,
        "steps": Settings().steps,
    }


def test_without_torch_training_names_the_extra(tmp_path, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    np.save(tmp_path / "set.npy", blobs(12, 0))
    asked = ["lab", "train", str(tmp_path / "set.npy"), "--side", str(SIDE)]
    assert run([*asked, "--out", str(tmp_path / "a.model")]) == 2
    assert "pip install 'spolia[lab]'" in capsys.readouterr().err
    assert not (tmp_path / "a.model").exists()
