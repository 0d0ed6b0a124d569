"""Near-duplicates and people under two names among real faces, by a real face network."""

from pathlib import Path

import numpy as np
import pytest

import spolia
from spolia.auditing.duplicates import DEFAULTS, find_duplicates
from spolia.auditing.embed import embed_source
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.core.progress import silent
from spolia.embedding import open_embedder
from spolia.sources import open_source
from spolia.store.precomputed import open_precomputed

CARD = Path(__file__).parents[1] / "cards" / "mobilefacenet_ms1m_112.toml"

pytestmark = pytest.mark.network_model

TWO_NAMES = {
    frozenset({"Chyung_Dai-chul", "Dai_Chul_Chyung"}),
    frozenset({"Odai_Hussein", "Uday_Hussein"}),
}
"""People whom LFW has under two spellings."""


@pytest.fixture(scope="module")
def faces(shared, tmp_path_factory):
    """The faces of LFW as a store."""
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    folder = tmp_path_factory.mktemp("lfw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        source = open_source(str(shared / "faces/lfw_half_aligned112.zip"), identities="folder")
        embed_source(source, open_embedder(CARD), folder)
    return open_precomputed(folder)


def part(faces, role, keep):
    """Return the people for whom ``keep`` is true, as a set of an audit."""
    embeddings = faces.embeddings
    rows = [i for i, name in enumerate(embeddings.identities) if keep(name)]
    some = spolia.Embeddings(
        embeddings.vectors[np.array(rows)],
        [embeddings.ids[i] for i in rows],
        [embeddings.identities[i] for i in rows],
    )
    return prepare(role, some, faces.model, fingerprint=role)


def searched(faces, folder, in_train):
    train = part(faces, "train", in_train)
    control = part(faces, "control", lambda name: not in_train(name))
    sets = {"train": train, "control": control, "synthetic": control}
    return find_duplicates(folder, sets, DEFAULTS["identity"], Options(), silent)


def pairs(found):
    rows = found.two_names.to_pylist()
    return {frozenset({row["identity"], row["other"]}) for row in rows}


def test_no_near_duplicate_is_made_up_and_people_under_two_names_are_candidates(faces, tmp_path):
    found = searched(faces, tmp_path, lambda name: name < "V")
    assert [one.clusters for one in found.summary.sets] == [0, 0]
    assert found.summary.shared.images.count == found.summary.shared.left_out == 0
    assert found.summary.two_names.pairs == 0
    assert pairs(found) >= TWO_NAMES
    assert len(pairs(found)) <= 4
    assert found.summary.candidates.within == len(pairs(found))
    assert 0.55 < found.summary.candidates.threshold < 0.59


def test_people_under_two_names_in_train_and_control_are_candidates_and_stay(faces, tmp_path):
    found = searched(faces, tmp_path, lambda name: name < "D")
    assert pairs(found) >= {frozenset({"Chyung_Dai-chul", "Dai_Chul_Chyung"})}
    assert found.summary.candidates.across >= 1
    assert found.summary.shared.left_out == 0
