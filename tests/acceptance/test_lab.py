"""A face network sees whom a small generator was trained on, in photos that it was not given."""

import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faces import people_of
from spolia import Options, identity
from spolia.auditing.generating import Sampled
from spolia.auditing.squares import squared
from spolia.lab.settings import Settings
from spolia.lab.training import open_model, train
from spolia.sources.decode import decode

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"
ARCHIVE = "faces/lfw_half_aligned112.zip"
TRAINED, OTHERS, STRANGERS = 20, 60, 20

pytestmark = [
    pytest.mark.network_model,
    pytest.mark.skipif(find_spec("torch") is None, reason="needs torch: pip install 'spolia[lab]'"),
]


@pytest.fixture(scope="module")
def asked(shared, tmp_path_factory):
    """Ask a model of 20 people: one photo of each held back, the others trained on."""
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    folder = tmp_path_factory.mktemp("lab")
    people = people_of(shared / ARCHIVE)
    rng = np.random.default_rng(0)
    several = rng.permutation([name for name, own in people.items() if len(own) > 1]).tolist()
    sides = np.split(np.array(several), [TRAINED, TRAINED + OTHERS, TRAINED + OTHERS + STRANGERS])
    with zipfile.ZipFile(shared / ARCHIVE) as faces:
        for role, names in zip(("members", "nonmembers", "strangers"), sides[:3], strict=True):
            for name in names:
                target = folder / role / people[name][0]
                target.parent.mkdir(parents=True)
                target.write_bytes(faces.read(people[name][0]))
        shown = [photo for name in sides[0] for photo in people[name][1:]]
        images = np.stack([squared(decode(faces.read(photo)), 64) for photo in shown])
    train(images, Settings(steps=1000), seed=0).save(folder / "few.model")

    def ask(members):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPOLIA_MODELS", str(shared / "models"))
            return identity(
                synthetic=Sampled(open_model(folder / "few.model"), 300),
                members=folder / members,
                nonmembers=folder / "nonmembers",
                embedder=CARD,
                options=Options(cache=folder / "cache"),
            ).summary

    return ask


def test_people_who_were_trained_on_are_told_by_other_photos(asked):
    found = asked("members")
    assert found.outcome == "found"
    assert found.identities.auc.low > 0.75


def test_people_who_were_not_are_not(asked):
    found = asked("strangers")
    assert found.outcome == "not found"
    assert found.identities.auc.low <= 0.5 <= found.identities.auc.high
