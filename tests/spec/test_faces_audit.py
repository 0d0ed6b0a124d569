"""An audit of faces is the audit of the cut faces, and tells what it could not cut."""

import csv
import io
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="needs spolia[onnx]")

import spolia
from spolia.auditing.cuts import CutSource, OfFaces, open_cutters
from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.auditing.stages import judged
from spolia.auditing.verify import verify
from spolia.core.errors import InputChanged, InvalidCard, NoFace, PlanMismatch, UsageError
from spolia.embedding.align import TEMPLATE
from spolia.embedding.detect import YuNet
from spolia.embedding.face_cards import load_detector_card
from spolia.review.deck import SCHEMA, Deck, Shown, Task
from spolia.review.pictures import Pictures, open_sets
from spolia.sources import open_source
from spolia.sources.landmarks import NAMES
from spolia.store.precomputed import open_precomputed
from tests.cards.brightness import brightness_model, write_attribute
from tests.cards.tiny import write_card
from tests.cards.yunet import scene, write_detector
from tests.spec.test_embedding_points import card as points_card

ROLES = ("train", "control", "synthetic")
SPLIT = 0.33
MODEL = brightness_model((SPLIT, 0.0)).SerializeToString()


def picture(seed, *, face=True, bright=False):
    """Noise with a bright cell, where the test's detector sees a face, or without."""
    noise = np.random.default_rng(seed).integers(60 if bright else 0, 140, (128, 160, 3))
    cells = scene((128, 160), (8, 10, 255)) if face else np.zeros((128, 160, 3), np.uint8)
    return np.where(cells == 255, 255, noise).astype(np.uint8)


def write(folder, name, image):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sets with faces in most images, and cards."""
    root = tmp_path_factory.mktemp("faces")
    for place, role in enumerate(ROLES):
        for i in range(24):
            seed = i if role == "synthetic" and i < 10 else 1000 * place + i
            write(root / role, f"{role[0]}{i:02}.png", picture(seed, bright=seed % 2 == 1))
    for role, lost in (("train", 2), ("synthetic", 1)):
        for i in range(lost):
            write(root / role, f"{role[0]}-empty{i}.png", picture(9000 + i, face=False))
    return root, write_detector(root / "cards"), write_attribute(root / "cards", model=MODEL)


def audit(root, out=None, **options):
    sets = {role: root / role for role in ROLES}
    return spolia.audit(**sets, fdr=0.2, out=out, options=spolia.Options(**options))


@pytest.fixture(scope="module")
def run(made, tmp_path_factory):
    root, detector, _ = made
    out = tmp_path_factory.mktemp("run") / "run"
    return audit(root, out, detector=detector, max_bad=0.0), out


def cuts_of(source, folder):
    for i, name in enumerate(source.ids):
        try:
            write(folder, name, source.image(i))
        except NoFace:
            continue


def test_the_audit_of_images_is_the_audit_of_their_faces(made, run, tmp_path):
    root, detector, _ = made
    cutters = open_cutters(str(detector), None, "largest")
    for role in ROLES:
        cuts_of(CutSource(open_source(root / role), cutters(role)), tmp_path / role)
    cut, whole = audit(tmp_path), run[0]
    assert cut.findings.num_rows
    assert whole.findings.equals(cut.findings)
    assert whole.ranking.equals(cut.ranking)
    assert whole.summary.exposed == cut.summary.exposed


def test_images_without_a_face_are_set_aside_counted_and_stop_nothing(run):
    result, out = run
    lost = {one.role: one.images for one in result.summary.instruments.lost}
    assert [(lost[role].count, lost[role].n) for role in ROLES] == [(2, 26), (0, 24), (1, 25)]
    assert [one.no_face for one in result.summary.sets] == [2, 0, 1]
    assert [one.unreadable for one in result.summary.sets] == [0, 0, 0]
    assert [one.records for one in result.summary.sets] == [24, 24, 24]
    with (out / "quarantine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(one["set"], one["id"], one["reason"]) for one in rows] == [
        ("train", "t-empty0.png", "no face found"),
        ("train", "t-empty1.png", "no face found"),
        ("synthetic", "s-empty0.png", "no face found"),
    ]
    note = "train: in 2 of 26 images (7.7 %, 95 % interval 0.94 % to 25.2 %) no face was found"
    assert any(one.startswith(note) for one in result.summary.notes)


def test_the_run_says_how_faces_were_found_and_is_verified(run):
    result, out = run
    plan = tomllib.loads((out / "plan.toml").read_text())
    assert Path(plan["detector"]).name == "bright.toml"
    assert plan["face"] == "largest"
    assert json.loads((out / "run.json").read_text())["instruments"]["faces"]["name"] == "bright"
    report = json.loads((out / "report.json").read_text())
    assert report["instruments"]["faces"]["licence"] == "made by the test"
    html = result.to_html()
    assert "The model saw no whole images, but faces" in html
    assert "made by the test" in html
    assert "t-empty0" not in html
    assert verify(out).findings == result.findings.num_rows


def test_another_choice_is_another_audit(made, run):
    root, detector, _ = made
    with pytest.raises(PlanMismatch, match='face was "largest", now "central"'):
        audit(root, run[1], detector=detector, face="central", max_bad=0.0)


def test_sets_that_lose_other_shares_do_not_compete_on_equal_terms(made, run, tmp_path):
    _, detector, _ = made
    for role in ROLES:
        for i in range(12):
            face = role != "control" or i < 2
            write(
                tmp_path / role,
                f"{role[0]}{i}.png",
                picture(100 * ROLES.index(role) + i, face=face),
            )
    result = audit(tmp_path, detector=detector)
    wanted = "Images without a face are not equally frequent in train and control"
    assert any(one.startswith(wanted) for one in result.summary.notes)
    assert not any(wanted in one for one in run[0].summary.notes)


def test_a_set_without_any_face_is_an_error_that_says_so(made, tmp_path):
    _, detector, _ = made
    for role in ROLES:
        write(tmp_path / role, "a.png", picture(1, face=role != "control"))
    with pytest.raises(UsageError, match=r"control has no image to compare: .* 1 without a face"):
        audit(tmp_path, detector=detector)


def embedded(source, cutter, folder, **options):
    ready = judged(CutSource(source, cutter), spolia.open_embedder("dct"))
    embed_source(ready.source, ready.embedder, folder, options=EmbedOptions(**options))
    return open_precomputed(folder)


def points_file(root, detector, path, *, shift=0.0, sets=ROLES):
    """Write what the detector finds, shifted."""
    finder = YuNet(load_detector_card(detector))
    lines = ["set,id," + ",".join(NAMES)]
    for role in sets:
        source = open_source(root / role)
        for i, name in enumerate(source.ids):
            for face in finder.find(name, source.image(i)):
                values = ",".join(repr(float(one)) for one in (face.points + shift).reshape(-1))
                lines.append(f"{role},{name},{values}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_given_points_do_what_the_detector_does_with_the_same(made, run, tmp_path):
    root, detector, _ = made
    result = audit(root, landmarks=points_file(root, detector, tmp_path / "points.csv"))
    assert result.findings.equals(run[0].findings)
    assert result.summary.instruments.faces.name == "points given in a file"
    assert result.summary.instruments.lost == run[0].summary.instruments.lost


def test_points_that_change_after_the_plan_are_noticed(made, tmp_path):
    root, detector, _ = made
    points = points_file(root, detector, tmp_path / "points.csv")
    result = audit(root, tmp_path / "run", landmarks=points)
    points_file(root, detector, points, shift=1.0)
    with pytest.raises(InputChanged, match=r"points\.csv must be what the plan was made with"):
        result.to_html("internal")
    with pytest.raises(PlanMismatch, match="landmarks_fingerprint was"):
        audit(root, tmp_path / "run", landmarks=points)


def test_the_cache_is_never_stale_when_points_change(made, tmp_path):
    root, detector, _ = made
    source = open_source(root / "control")
    rows = []
    for shift in (0.0, 3.0):
        points = points_file(
            root, detector, tmp_path / f"{shift}.csv", shift=shift, sets=("control",)
        )
        cutter = open_cutters(None, str(points), "largest")("control")
        fresh = embedded(source, cutter, tmp_path / f"fresh{shift}")
        kept = embedded(source, cutter, tmp_path / f"kept{shift}", cache=tmp_path / "cache")
        assert np.array_equal(fresh.embeddings.vectors[0:24], kept.embeddings.vectors[0:24])
        rows.append(fresh.embeddings.vectors[0:24])
        # Points of two files are cut alike: such sets can be compared.
        assert fresh.model.fingerprint == kept.model.fingerprint
    assert not np.array_equal(*rows)


def test_stores_of_faces_that_were_cut_otherwise_are_not_compared(made, tmp_path):
    root, detector, _ = made
    for role in ROLES:
        cutters = open_cutters(str(detector), None, "one" if role == "control" else "largest")
        embedded(open_source(root / role), cutters(role), tmp_path / role)
    with pytest.raises(UsageError, match="or faces that were found or cut in another way"):
        spolia.audit(**{role: tmp_path / role for role in ROLES}, embedder="precomputed")


def test_stored_faces_keep_the_count_of_what_was_lost(made, run, tmp_path):
    root, detector, _ = made
    cutters = open_cutters(str(detector), None, "largest")
    for role in ROLES:
        embedded(open_source(root / role), cutters(role), tmp_path / role)
    sets = {role: tmp_path / role for role in ROLES}
    result = spolia.audit(**sets, embedder="precomputed", fdr=0.2)
    assert result.summary.instruments.lost == run[0].summary.instruments.lost
    assert result.findings["query"].equals(run[0].findings["query"])


def test_every_face_of_an_image_is_a_record_under_all(made, tmp_path):
    _, detector, _ = made
    both = scene((128, 240), (8, 7, 255), (8, 22, 240))
    write(tmp_path / "ann", "two.png", both)
    write(tmp_path / "bob", "none.png", picture(1, face=False))
    source = open_source(tmp_path)
    cut = CutSource(source, open_cutters(str(detector), None, "all")("train"))
    assert cut.ids == ("ann/two.png#1", "ann/two.png#2", "bob/none.png")
    assert cut.identities == ("ann", "ann", "bob")
    assert not np.array_equal(cut.image(0), cut.image(1))
    with pytest.raises(NoFace):
        cut.image(2)
    other = _Renamed(source, ("ann/two.png", "ann/two.png#1"))
    with pytest.raises(UsageError, match=r"both an image of .* and a face in another"):
        CutSource(other, open_cutters(str(detector), None, "all")("train"))


class _Renamed:
    """A source under other names; in its second image is no face."""

    def __init__(self, source, ids):
        self._source, self.ids = source, ids
        self.uri, self.identities, self.columns = source.uri, None, {}

    def image(self, index):
        return self._source.image(index)

    def __len__(self):
        return len(self.ids)


BAD_POINTS = {
    "an id that no set has": (["nobody.png"], "names 'nobody.png', which no set has"),
    "an id that two sets have": (["same.png"], "which is in train and in control"),
}


@pytest.mark.parametrize("case", BAD_POINTS)
def test_points_must_name_an_image(tmp_path, case):
    names, said = BAD_POINTS[case]
    for role in ("train", "control"):
        write(tmp_path / role, "same.png", picture(3))
    write(tmp_path / "synthetic", "s.png", picture(3))
    values = ",".join(str(one) for one in (TEMPLATE * 0.5).reshape(-1))
    points = tmp_path / "points.csv"
    points.write_text("\n".join(["id," + ",".join(NAMES), *(f"{one},{values}" for one in names)]))
    with pytest.raises(UsageError, match=said):
        audit(tmp_path, landmarks=points)


def test_points_of_no_set_and_points_of_no_faces_are_refused(made, tmp_path):
    root, detector, _ = made
    points = points_file(root, detector, tmp_path / "points.csv")
    text = points.read_text()
    points.write_text(text.replace("train,", "trian,"))
    with pytest.raises(UsageError, match="must be one of train, control, synthetic, but has 'tria"):
        audit(root, landmarks=points)
    swapped = text.replace("x1,y1,x2,y2", "x2,y2,x1,y1").replace("x4,y4,x5,y5", "x5,y5,x4,y4")
    points.write_text(swapped)
    with pytest.raises(UsageError, match=r"must hold faces, but .* rows are none .* are mirrored"):
        audit(root, landmarks=points)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"face": "largest"}, "needs faces to choose from"),
        ({"face": "biggest"}, "but is 'biggest'; choose one of largest, central, all, one"),
        ({"detector": "DETECTOR", "landmarks": "DETECTOR"}, "both are asked for"),
        ({"detector": "ATTRIBUTE"}, 'must have kind = "detector"'),
        ({"attributes": ("DETECTOR",)}, 'must have kind = "attribute"'),
        ({"attributes": ("ATTRIBUTE", "ATTRIBUTE")}, "'brightness' is in .* and in"),
    ],
)
def test_what_cannot_be_asked_is_refused(made, options, said):
    root, detector, attribute = made
    cards = {"DETECTOR": detector, "ATTRIBUTE": attribute}
    given = {
        name: tuple(cards[one] for one in value)
        if isinstance(value, tuple)
        else cards.get(value, value)
        for name, value in options.items()
    }
    with pytest.raises(UsageError, match=said):
        audit(root, **given)


@pytest.mark.parametrize("name", ["detector", "landmarks", "attributes"])
def test_embeddings_show_no_faces(name):
    rows = spolia.Embeddings(np.eye(8, dtype=np.float32))
    value = ("card.toml",) if name == "attributes" else "card.toml"
    with pytest.raises(UsageError, match=f"{name} is for images, but the sets are embeddings"):
        spolia.audit(train=rows, synthetic=rows, options=replace(spolia.Options(), **{name: value}))


def test_a_judge_of_other_faces_is_refused(made, tmp_path):
    root, detector, _ = made
    card = write_card(tmp_path, ('alignment = "none"', 'alignment = "dlib-150"'))
    with pytest.raises(UsageError, match="aligned as arcface-112, but the card of tiny wants dlib"):
        spolia.audit(
            train=root / "train",
            synthetic=root / "synthetic",
            embedder=card,
            options=spolia.Options(detector=detector),
        )


def test_images_that_cannot_be_aligned_faces_are_noted(made, tmp_path):
    root, detector, _ = made
    card = write_card(tmp_path, ('alignment = "none"', 'alignment = "arcface-112"'))
    sets = {role: root / role for role in ("train", "synthetic")}
    said = "train: 26 of 26 measured images are not 112 x 112, but the judge's card wants faces"
    whole = spolia.audit(**sets, embedder=card)
    assert any(one.startswith(said) for one in whole.summary.notes)
    cut = spolia.audit(**sets, embedder=card, options=spolia.Options(detector=detector))
    assert not any("112 x 112" in one for one in cut.summary.notes)


def test_an_attribute_sets_aside_what_a_file_of_its_answers_would(made, tmp_path):
    root, _, attribute = made
    seen = audit(root, tmp_path / "run", attributes=(attribute,), exclude=("brightness=dark",))
    lines = ["set,id,brightness"]
    for role in ROLES:
        for path in sorted((root / role).iterdir()):
            mean = np.asarray(Image.open(path).resize((8, 8), Image.Resampling.BILINEAR)).mean()
            lines.append(f"{role},{path.name},{'bright' if mean / 255 > SPLIT else 'dark'}")
    (tmp_path / "columns.csv").write_text("\n".join(lines))
    told = audit(root, columns=tmp_path / "columns.csv", exclude=("brightness=dark",))
    assert seen.findings.equals(told.findings)
    assert seen.summary.counting == told.summary.counting
    assert seen.summary.counting.excluded
    assert seen.summary.instruments.filled[0].tool.licence == "made by the test"
    assert "Column brightness" in seen.to_html()
    verify(tmp_path / "run")


def test_a_column_of_a_file_and_one_of_a_network_stand_side_by_side(made, tmp_path):
    root, _, attribute = made
    ids = [path.name for role in ("train", "control") for path in sorted((root / role).iterdir())]
    lines = ["id,licence", *(f"{name},{'free' if name < 't' else 'paid'}" for name in ids)]
    (tmp_path / "columns.csv").write_text("\n".join(lines))
    given = {"columns": tmp_path / "columns.csv", "attributes": (attribute,)}
    result = audit(root, tmp_path / "run", **given)
    assert {one.name for one in result.summary.counting.columns} == {"licence", "brightness"}
    verify(tmp_path / "run")
    with pytest.raises(UsageError, match="no column 'licens'; did you mean 'licence'"):
        audit(root, **given, exclude=("licens=free",))
    (tmp_path / "columns.csv").write_text("\n".join(lines).replace("licence", "brightness"))
    with pytest.raises(UsageError, match=r"'brightness' is in .*columns\.csv and in"):
        audit(root, **given)


def test_a_value_that_nobody_has_excludes_nobody_and_one_that_none_can_have_is_refused(tmp_path):
    for place, role in enumerate(ROLES):
        for i in range(6):
            write(tmp_path / role, f"{i}.png", picture(100 * place + i))
    attribute = write_attribute(tmp_path / "cards", model=MODEL)
    result = audit(tmp_path, attributes=(attribute,), exclude=("brightness=bright",))
    assert result.summary.counting.excluded == ()
    with pytest.raises(UsageError, match="one of 'dark', 'bright', as its card says, but"):
        audit(tmp_path, attributes=(attribute,), exclude=("brightness=child",))


def test_a_killed_run_asks_the_network_only_about_the_rest(made, tmp_path, monkeypatch):
    root, _, attribute = made
    first = audit(root, tmp_path / "run", attributes=(attribute,))
    asked = []
    monkeypatch.setattr("spolia.embedding.attribute.Attribute.value", lambda *a: asked.append(a))
    again = audit(root, tmp_path / "run", attributes=(attribute,))
    assert asked == []
    assert again.summary == first.summary


def test_a_study_cuts_faces_for_every_set_and_judge(made, tmp_path):
    root, detector, attribute = made
    card = write_card(tmp_path)
    sets = {"train": root / "train", "synthetic": {"made": root / "synthetic"}}
    options = spolia.Options(detector=detector, attributes=(attribute,))
    result = spolia.study(**sets, embedders=["dct", card], out=tmp_path / "study", options=options)
    cells = list(result.cells.values())
    assert [one.summary.instruments.faces.name for one in cells] == ["bright", "bright"]
    assert "detector" in (tmp_path / "study" / "study.toml").read_text()
    alone = spolia.audit(train=root / "train", synthetic=root / "synthetic", options=options)
    assert cells[0].ranking.equals(alone.ranking)


def test_an_embedder_of_faces_is_what_it_wraps_but_for_its_fingerprint():
    judge = spolia.open_embedder("dct")
    one, other = OfFaces(judge, "a"), OfFaces(judge, "b")
    image = picture(0)
    assert len({judge.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert one.summary == replace(judge.summary, fingerprint=one.fingerprint)
    assert np.array_equal(one.embed(image), judge.embed(image))
    assert np.array_equal(one.embed_batch([image])[0], judge.embed(image))
    assert one.batch == 1


@pytest.mark.parametrize("cache", [False, True])
def test_a_judge_that_takes_points_is_told_those_of_the_face(made, tmp_path, cache):
    root, detector, _ = made
    judge = spolia.open_embedder(points_card(tmp_path))
    source = open_source(root / "control")
    cutter = open_cutters(str(detector), None, "largest")("control")
    ready = judged(CutSource(source, cutter), judge)
    options = EmbedOptions(cache=tmp_path / "cache" if cache else None)
    embed_source(ready.source, ready.embedder, tmp_path / "store", options=options)
    rows = open_precomputed(tmp_path / "store").embeddings.vectors[0:24]
    for i in (0, 7, 23):
        (cut,) = cutter.cut(source.ids[i], source.image(i))
        assert np.array_equal(rows[i], judge.embed_with_points(cut.pixels, cut.points))
        assert not np.array_equal(rows[i], judge.embed_with_points(cut.pixels, TEMPLATE))


def test_the_wrong_card_says_where_it_is_used(made):
    with pytest.raises(InvalidCard):
        YuNet(load_detector_card(made[2]))


def test_a_review_shows_the_faces_that_the_judge_saw(run):
    result, _ = run
    names = ("query", "synthetic", "s00.png"), ("reference", "train", "t00.png")
    shown = {side: Shown(role, role, name) for side, role, name in names}
    task = Task("pair", "open", **shown, swapped=False, stratum=0, similarity=0.5, score=0.5)
    deck = Deck(SCHEMA, "triage", "photo", 0, "audit", "key", (), (task,))
    sets = open_sets(result, deck)
    pictures = Pictures(deck, sets)
    for _, role, name in names:
        png = pictures.png("pair", role, laid=False)
        face = np.asarray(Image.open(io.BytesIO(png)))
        assert face.shape == (112, 112, 3)
        assert np.array_equal(face, sets[role].image(sets[role].ids.index(name)))
