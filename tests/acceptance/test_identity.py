"""A real face network tells whose other photos are among the samples, and nobody else's."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.faces import people_of
from spolia import Options, identity

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"
ARCHIVE = "faces/lfw_half_aligned112.zip"
MEMBERS, OTHERS, STRANGERS = 40, 60, 60

pytestmark = pytest.mark.network_model


@pytest.fixture(scope="module")
def sets(shared, tmp_path_factory):
    """Folders: members and non-members by person, one photo of each member as a sample."""
    import zipfile

    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    archive = shared / ARCHIVE
    people = people_of(archive)
    rng = np.random.default_rng(0)
    several = rng.permutation([one for one, own in people.items() if len(own) > 1]).tolist()
    single = rng.permutation([one for one, own in people.items() if len(own) == 1]).tolist()
    members, others = several[:MEMBERS], several[MEMBERS : MEMBERS + OTHERS]
    folder = tmp_path_factory.mktemp("sets")
    with zipfile.ZipFile(archive) as faces:

        def copy(photo, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(faces.read(photo))

        for number, name in enumerate([*members, *single[:STRANGERS]]):
            copy(people[name][0], folder / "synthetic" / f"sample_{number:03d}.jpg")
        for number, name in enumerate(single[:STRANGERS]):
            copy(people[name][0], folder / "elsewhere" / f"sample_{number:03d}.jpg")
        for role, names in (("members", members), ("nonmembers", others)):
            for name in names:
                for photo in people[name][1:4]:
                    copy(photo, folder / role / photo)
    return folder


@pytest.fixture(scope="module")
def ask(shared, sets, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def asked(synthetic, **more):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPOLIA_MODELS", str(shared / "models"))
            return identity(
                synthetic=sets / synthetic,
                members=sets / "members",
                queries=sets / "members",
                nonmembers=sets / "nonmembers",
                embedder=CARD,
                options=Options(cache=cache),
                **more,
            )

    return asked


def test_people_whose_other_photos_are_shown_are_told_and_named(ask):
    found = ask("synthetic").summary
    assert found.outcome == "found"
    assert found.identities.auc.value > 0.95
    assert found.identities.auc.low > 0.9
    assert found.queries.named.value > 0.8
    assert found.model.kind == "identity"


def test_samples_of_strangers_tell_nothing(ask):
    found = ask("elsewhere").summary
    assert found.outcome != "found"
    assert found.identities.auc.low <= 0.5 <= found.identities.auc.high
    assert found.queries.named.count == 0
