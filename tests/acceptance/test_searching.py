"""A real face network finds a person by other photos, and through an exchange as well."""

import csv
import zipfile

import numpy as np
import pytest
from PIL import Image

from benchmarks.faces import people_of
from spolia import Options, audit, search_for
from spolia.cli.main import run
from spolia.core.errors import UsageError
from tests.acceptance.test_identity import ARCHIVE, CARD

TRAINED, OTHERS, STRANGERS = 30, 60, 60

pytestmark = pytest.mark.network_model


@pytest.fixture(scope="module")
def models(shared):
    pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOLIA_MODELS", str(shared / "models"))
        yield shared


@pytest.fixture(scope="module")
def sets(models, tmp_path_factory):
    """Train, control, samples that show half of train in held-back photos, and further photos."""
    archive = models / ARCHIVE
    people = people_of(archive)
    rng = np.random.default_rng(1)
    several = rng.permutation([one for one, own in people.items() if len(own) > 3]).tolist()
    single = rng.permutation([one for one, own in people.items() if len(own) == 1]).tolist()
    trained, fresh = several[:TRAINED], several[TRAINED : TRAINED + 10]
    control, strangers = several[-OTHERS:], single[:STRANGERS]
    folder = tmp_path_factory.mktemp("sets")
    shown = enumerate([*trained[: TRAINED // 2], *strangers])
    wanted = {f"synthetic/sample_{number:03d}.jpg": people[name][0] for number, name in shown}
    photos = {"train": (trained, 1, 2), "control": (control, 0, 2), "fresh": (fresh, 2, 4)}
    photos["customers"] = (trained, 2, 4)
    for role, (names, first, last) in photos.items():
        own = [photo for name in names for photo in people[name][first:last]]
        wanted |= {f"{role}/{photo}": photo for photo in own}
    with zipfile.ZipFile(archive) as faces:
        for place, photo in wanted.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(faces.read(photo))
    return folder, trained


@pytest.fixture(scope="module")
def searched(sets, tmp_path_factory):
    """The folder of an audit of these sets."""
    folder, _ = sets
    run_folder = tmp_path_factory.mktemp("run")
    audit(
        train=folder / "train",
        control=folder / "control",
        synthetic=folder / "synthetic",
        embedder=CARD,
        out=run_folder,
    )
    return run_folder


def test_who_is_shown_stands_out_by_other_photos_and_others_do_not(sets, searched):
    folder, trained = sets
    shown, not_shown = trained[0], trained[-1]
    found = search_for(folder / "customers" / shown, within=searched).summary
    assert [one.outcome for one in found.answers] == ["found", "found"]
    assert found.answers[0].nearest[0].id == "sample_000.jpg"
    assert found.answers[1].nearest[0].id.startswith(shown)
    assert not found.answers[1].nearest[0].copy
    other = search_for(folder / "customers" / not_shown, within=searched).summary
    assert [one.outcome for one in other.answers] == ["not found", "found"]
    fresh = [search_for(one, within=searched) for one in sorted((folder / "fresh").iterdir())]
    p = [[one.person.p for one in each.summary.answers] for each in fresh]
    assert (np.array(p) > 0.01).mean() > 0.8


def test_a_list_through_an_exchange_is_the_list(sets, searched, tmp_path):
    folder, trained = sets
    plain = search_for(people=folder / "customers", within=searched)
    named = plain.named["identity"].to_pylist()
    assert len(set(named) & set(trained[: TRAINED // 2])) >= 10
    assert len(set(named) - set(trained[: TRAINED // 2])) <= 2
    handed = tmp_path / "handed"
    call = ["embed", str(folder / "customers"), "--embedder", str(CARD), "--for-exchange"]
    assert run([*call, "--quiet", "--out", str(handed)]) == 0
    found = search_for(people=handed, within=searched)
    with (tmp_path / "handed.names.csv").open(newline="", encoding="utf-8") as file:
        name_of = {row["identity_code"]: row["identity"] for row in csv.DictReader(file)}
    coded = {name_of[row["identity"]]: row["p"] for row in found.named.to_pylist()}
    assert coded == {row["identity"]: row["p"] for row in plain.named.to_pylist()}


def test_photos_that_are_cut_into_faces_are_not_those_of_a_run_that_was_not(sets, searched):
    folder, trained = sets
    detector = CARD.parent / "yunet_n.toml"
    with pytest.raises(UsageError, match="faces that were found or cut in another way"):
        search_for(
            folder / "customers" / trained[0],
            within=searched,
            options=Options(detector=detector),
        )


def test_the_faces_of_photos_are_found_as_those_of_the_run(models, tmp_path):
    with zipfile.ZipFile(models / "faces/lfw_unaligned_10x10.zip") as photos:
        photos.extractall(tmp_path / "photos")
    people = sorted({one.parent for one in (tmp_path / "photos").rglob("*.jpg")})
    for number, person in enumerate(people[:10]):
        own = sorted(person.glob("*.jpg"))
        role = "t" if number < 4 else "c"
        for photo in own[:5]:
            target = tmp_path / role / person.name / photo.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(photo.read_bytes())
        if number < 2:
            target = tmp_path / "s" / f"{number}.jpg"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(own[5].read_bytes())
    detector = CARD.parent / "yunet_n.toml"
    options = Options(detector=detector)
    audit(
        train=tmp_path / "t",
        control=tmp_path / "c",
        synthetic=tmp_path / "s",
        embedder=CARD,
        out=tmp_path / "run",
        options=options,
    )
    first = sorted(people[0].glob("*.jpg"))[6]
    found = search_for(first, within=tmp_path / "run").summary
    assert found.answers[0].nearest[0].id == "0.jpg"
    assert found.answers[1].nearest[0].identity == people[0].name
    assert found.answers[0].outcome == "cannot tell"
    blank = tmp_path / "wall.jpg"
    Image.new("RGB", (200, 200), (200, 180, 160)).save(blank)
    nobody = search_for(blank, within=tmp_path / "run")
    assert nobody.summary.outcome == "cannot tell"
    assert "1 without a face" in nobody.summary.sentence
