"""Is somebody in there? What is found, what is not, what cannot be told, what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.core.errors import PlanMismatch, RunIncomplete, UsageError
from spolia.core.searching import SEARCH_SCHEMA
from spolia.store.precomputed import keep_embeddings
from tests.judges import Pixels, images
from tests.spec.search_laws import faces, photos


class Faces(Pixels):
    """The same judge, which says that it tells persons."""

    kind = "identity"


class Other(Faces):
    """The same judge with other weights."""

    fingerprint = "others"


FACES = Faces()
MOST = spolia.Options(max_bad=1.0)


def given(rows, who=None, name="x"):
    people = None if who is None else [f"{name}-{i}" for i in who]
    return spolia.Embeddings(rows, [f"{name}{i:04d}.jpg" for i in range(len(rows))], people)


def planted(seed=0, *, each=2, others=60):
    """Samples with the first person in them, two people who are asked about, non-members."""
    rng = np.random.default_rng(seed)
    people = faces(rng, 2)
    samples = np.concatenate([photos(rng, people[:1])[0], photos(rng, faces(rng, 120))[0]])
    return {
        "within": given(samples, name="s"),
        "people": given(*photos(rng, people, each), name="q"),
        "nonmembers": given(*photos(rng, faces(rng, others), each), name="n"),
    }


def one_of(sets, person):
    """The same search for one of the people."""
    rows = [i for i, name in enumerate(sets["people"].identities) if name == f"q-{person}"]
    own = sets["people"]
    photos = spolia.Embeddings(own.vectors[np.array(rows)], [own.ids[i] for i in rows])
    return {"photos": photos, **{k: v for k, v in sets.items() if k != "people"}}


def refusal(**call):
    with pytest.raises(UsageError) as error:
        spolia.search_for(**call)
    return str(error.value)


def test_a_person_who_is_shown_stands_out_and_another_does_not():
    sets = planted(others=200)
    shown, not_shown = (spolia.search_for(**one_of(sets, i)).summary for i in (0, 1))
    assert (shown.outcome, shown.exit_code) == ("found", 1)
    assert shown.sentence.startswith("Stands out in the synthetic set: p = 0.0050 against 200")
    assert shown.answers[0].nearest[0].id == "s0000.jpg"
    assert len(shown.answers[0].nearest) == 5
    assert (not_shown.outcome, not_shown.exit_code) == ("not found", 0)
    assert "That does not show that nothing of them was trained on" in not_shown.sentence
    assert "asks with --list" in not_shown.notes[-1]


def test_a_list_gives_everybody_the_p_value_that_each_gets_alone():
    sets = planted()
    alone = [spolia.search_for(**one_of(sets, i)).summary.answers[0].person.p for i in (0, 1)]
    many = spolia.search_for(**sets)
    assert many.people["p"].to_pylist() == alone
    assert many.summary.people == 2
    assert many.summary.answers[0].person is None
    assert many.summary.answers[0].nearest == ()
    assert many.named["identity"].to_pylist() == ["q-0"]
    assert many.nearest.filter(many.nearest["asked"].to_numpy() == "q-1").num_rows == 5
    assert "asks with --list" not in " ".join(many.summary.notes)


def test_it_is_the_p_value_of_a_question_about_identities():
    sets = planted(3, others=80)
    asked = spolia.identity(
        synthetic=sets["within"], queries=sets["people"], nonmembers=sets["nonmembers"]
    )
    rows = [one for one in asked.identities.to_pylist() if one["set"] == "queries"]
    found = spolia.search_for(**sets).people.to_pylist()
    for name in ("identity", "photos", "p", "q", "compared", "nearest", "similarity"):
        assert [one[name] for one in found] == [one[name] for one in rows]
    scores = [[one["score"] for one in some] for some in (found, rows)]
    assert np.allclose(*scores, rtol=0.0, atol=1e-9)


def test_without_non_members_there_is_no_p_value_but_the_nearest():
    sets = one_of(planted(), 0)
    del sets["nonmembers"]
    found = spolia.search_for(**sets)
    answer = found.summary.answers[0]
    assert (found.summary.outcome, found.summary.exit_code) == ("cannot tell", 4)
    assert "there are no non-members to compare with" in found.summary.sentence
    assert (answer.person, answer.asked) == (None, None)
    assert answer.nearest[0].id == "s0000.jpg"
    assert answer.usual.records == 121
    assert 0 <= answer.usual.as_near < 10
    assert found.people["p"].to_pylist() == [None]
    people = dict(planted())
    del people["nonmembers"]
    many = spolia.search_for(**people)
    assert many.summary.outcome == "cannot tell"
    assert many.summary.answers[0].usual is None


def test_how_near_the_records_are_is_not_told_of_a_set_of_one_identity():
    sets = one_of(planted(), 0)
    del sets["nonmembers"]
    own = sets["within"]
    sets["within"] = spolia.Embeddings(own.vectors, own.ids, ["one"] * len(own))
    assert spolia.search_for(**sets).summary.answers[0].usual is None


def test_a_photo_that_is_itself_among_the_samples_is_found_as_a_copy():
    sets = one_of(planted(), 1)
    own = sets["within"].vectors
    sets["within"] = given(np.concatenate([own, sets["photos"].vectors[:1]]), name="s")
    found = spolia.search_for(**sets).summary
    answer = found.answers[0]
    assert found.outcome == "found"
    assert (answer.copies, answer.nearest[0].id, answer.nearest[0].copy) == (1, "s0121.jpg", True)
    assert "1 of 2 photos is itself in the synthetic set, or nearly." in found.sentence
    assert not any(one.copy for one in answer.nearest[1:])
    off = spolia.search_for(**sets, options=spolia.Options(duplicates="off")).summary
    assert off.answers[0].copies == 0
    assert any("in a set themselves were not searched for" in note for note in off.notes)
    del sets["nonmembers"]
    alone = spolia.search_for(**sets).summary
    assert alone.sentence.startswith("1 of 2 photos is itself in the synthetic set, or nearly. C")


def test_one_photo_and_ten_thousand_of_one_person_are_one_person():
    rng = np.random.default_rng(0)
    person = faces(rng, 1)
    sets = {
        "within": given(photos(rng, faces(rng, 150))[0], name="s"),
        "nonmembers": given(*photos(rng, faces(rng, 30), 3), name="n"),
    }
    many, _ = photos(rng, person, 10_000)
    found = spolia.search_for(given(many), **sets).summary
    person = found.answers[0].person
    assert (found.photos, person.compared, person.beside) == (10_000, 3, 30)
    assert any("p is from 3 of 10,000 photos, drawn at random" in note for note in found.notes)
    single = spolia.search_for(given(many[:1]), **sets).summary
    assert single.answers[0].person.compared == 1


def test_if_everybody_is_left_out_it_cannot_be_told():
    sets = one_of(planted(), 0)
    own = sets["photos"].vectors
    sets["nonmembers"] = given(np.concatenate([own, own[:1]]), [0, 0, 1], name="n")
    found = spolia.search_for(**sets).summary
    assert found.outcome == "cannot tell"
    assert "all 2 non-members were left out, 0 of them because they are in train" in found.sentence
    assert "2 of 2 non-members were left out, because a photo of theirs" in " ".join(found.notes)


def test_the_level_is_that_of_the_caller():
    sets = one_of(planted(others=200), 0)
    assert spolia.search_for(**sets, level=0.005).summary.outcome == "found"
    found = spolia.search_for(**sets, level=0.004).summary
    assert found.outcome == "cannot tell"
    assert "it takes 249" in found.sentence
    for level in (0.0, 1.0):
        assert "level must lie between" in refusal(**sets, level=level)


# Photos and runs in files.


def write(folder, rng, n, each=1):
    for person in range(n):
        (folder / f"{folder.name}{person}").mkdir(parents=True)
        for number, picture in enumerate(images(rng, each)):
            Image.fromarray(picture).save(folder / f"{folder.name}{person}" / f"{number}.png")
    return folder


@pytest.fixture
def run(tmp_path):
    """The folder of an audit in which some of train were copied."""
    rng = np.random.default_rng(0)
    folders = {
        "train": write(tmp_path / "t", rng, 30, 2),
        "control": write(tmp_path / "c", rng, 30, 2),
        "synthetic": write(tmp_path / "s", rng, 40),
    }
    for number in range(10):
        shutil.copy(tmp_path / f"t/t{number}/0.png", tmp_path / f"s/s{number}/0.png")
    spolia.audit(**folders, embedder=FACES, out=tmp_path / "run")
    return tmp_path / "run"


def test_a_run_brings_its_samples_its_control_and_its_train(run, tmp_path):
    found = spolia.search_for([tmp_path / "t/t0/0.png"], within=run, embedder=FACES).summary
    assert found.outcome == "found"
    synthetic, train = found.answers
    assert (synthetic.set, train.set) == ("synthetic", "train")
    assert synthetic.nearest[0].copy
    assert (train.copies, train.nearest[0].id) == (1, "t0/0.png")
    assert train.sentence.startswith("Stands out in train: p = ")
    assert "1 of 1 photos is itself in train, or nearly." in train.sentence
    assert synthetic.person.beside == 30
    fresh = spolia.search_for(tmp_path / "c/c0", within=run, embedder=FACES).summary
    assert fresh.left_out.asked == 1
    assert [one.person.beside for one in fresh.answers] == [29, 29]
    assert fresh.photos == 2


def test_a_run_of_a_study_is_searched_like_any(tmp_path):
    rng = np.random.default_rng(0)
    sets = {role: write(tmp_path / role[0], rng, 30) for role in ("train", "control")}
    synthetic = {"some": write(tmp_path / "s", rng, 30), "more": write(tmp_path / "m", rng, 30)}
    spolia.study(**sets, synthetic=synthetic, embedders=[FACES], out=tmp_path / "study")
    photo = tmp_path / "s/s0/0.png"
    one = tmp_path / "study/some/pixels"
    found = spolia.search_for(photo, within=one, embedder=FACES).summary
    assert found.answers[0].copies == 1
    assert [one.person.beside for one in found.answers] == [30, 30]
    assert "is a study; give one of its runs" in refusal(photos=photo, within=tmp_path / "study")


def test_a_run_of_identity_brings_its_non_members(run, tmp_path):
    spolia.identity(
        synthetic=tmp_path / "s",
        members=tmp_path / "t",
        nonmembers=tmp_path / "c",
        embedder=FACES,
        out=tmp_path / "asked",
    )
    photo = tmp_path / "t/t0/0.png"
    found = spolia.search_for(photo, within=tmp_path / "asked", embedder=FACES).summary
    assert [one.set for one in found.answers] == ["synthetic"]
    assert found.answers[0].person.beside == 30


def test_a_store_and_a_set_bring_none(run, tmp_path):
    photo = tmp_path / "t/t0/0.png"
    for within in (run / "embeddings/synthetic", tmp_path / "s"):
        found = spolia.search_for(photo, within=within, embedder=FACES).summary
        assert found.outcome == "cannot tell"
        assert found.answers[0].copies == 1
        more = {"nonmembers": tmp_path / "c", "embedder": FACES}
        assert spolia.search_for(photo, within=within, **more).summary.outcome == "found"


def test_a_run_without_control_asks_for_non_members(run, tmp_path):
    spolia.audit(
        train=tmp_path / "t", synthetic=tmp_path / "s", embedder=FACES, out=tmp_path / "ranked"
    )
    photo = tmp_path / "t/t0/0.png"
    found = spolia.search_for(photo, within=tmp_path / "ranked", embedder=FACES).summary
    assert [one.outcome for one in found.answers] == ["cannot tell", "cannot tell"]
    # A folder that was embedded elsewhere does as well.
    stored = run / "embeddings/control"
    more = {"nonmembers": stored, "embedder": FACES}
    found = spolia.search_for(photo, within=tmp_path / "ranked", **more).summary
    assert found.answers[0].person.beside == 30


def test_photos_that_cannot_be_used_cannot_tell(run, tmp_path):
    broken, blank = tmp_path / "broken.png", tmp_path / "blank.png"
    broken.write_bytes(b"no image")
    Image.new("RGB", (9, 9)).save(blank)
    found = spolia.search_for([broken, blank], within=run, embedder=FACES)
    assert (found.summary.outcome, found.summary.exit_code) == ("cannot tell", 4)
    assert "none of 2 photos can be used: 1 unreadable, 1 blank." in found.summary.sentence
    assert found.summary.answers == ()
    assert [row[:2] for row in found.quarantine] == [("queries", "broken.png")]
    assert (found.people.num_rows, found.nearest.num_rows, found.named.num_rows) == (0, 0, 0)
    usable = spolia.search_for([broken, tmp_path / "t/t0/0.png"], within=run, embedder=FACES)
    assert usable.summary.outcome == "found"
    assert [row[:2] for row in usable.quarantine] == [("queries", "broken.png")]


def test_photos_without_a_face_cannot_tell(run, tmp_path):
    points = "2,3,6,3,4,5,3,7,5,7"
    names = sorted(one for role in "tcs" for one in tmp_path.glob(f"{role}/*/*.png"))
    rows = [f"{one.parent.name}/{one.name},{points}" for one in names]
    head = "id,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5"
    (tmp_path / "points.csv").write_text("\n".join([head, *rows]) + "\n")
    spolia.audit(
        train=tmp_path / "t",
        control=tmp_path / "c",
        synthetic=tmp_path / "s",
        embedder=FACES,
        out=tmp_path / "faces",
        options=spolia.Options(landmarks=tmp_path / "points.csv"),
    )
    photo = shutil.copy(tmp_path / "t/t0/0.png", tmp_path / "me.png")
    other = shutil.copy(tmp_path / "t/t0/1.png", tmp_path / "also.png")
    call = {"within": tmp_path / "faces", "embedder": FACES}
    assert "give --landmarks FILE with theirs" in refusal(photos=photo, **call)
    (tmp_path / "mine.csv").write_text(f"{head}\nme.png,{points}\n")
    options = spolia.Options(landmarks=tmp_path / "mine.csv")
    found = spolia.search_for([photo, other], **call, options=options)
    assert found.summary.outcome == "found"
    assert [row[1:] for row in found.quarantine] == [("also.png", "no face found")]
    (tmp_path / "mine.csv").write_text(f"{head}\nalso.png,{points}\n")
    wrong = refusal(photos=photo, **call, options=options)
    assert "names 'also.png'" in wrong
    (tmp_path / "mine.csv").write_text(f"{head}\nme.png,-50,-50,-46,-50,-48,-48,-49,-46,-47,-46\n")
    none = spolia.search_for(photo, **call, options=options).summary
    assert none.outcome == "cannot tell"
    assert "1 without a face" in none.sentence


def test_a_judge_of_photos_tells_of_one_photo_and_not_of_a_person(run, tmp_path):
    sets = {"train": tmp_path / "t", "control": tmp_path / "c", "synthetic": tmp_path / "s"}
    spolia.audit(**sets, embedder=Pixels(), out=tmp_path / "copies")
    call = {"within": tmp_path / "copies", "embedder": Pixels()}
    photo, other = tmp_path / "t/t0/0.png", tmp_path / "t/t0/1.png"
    one = spolia.search_for(photo, **call).summary
    assert one.outcome == "found"
    assert one.notes[0].startswith("pixels tells photos apart, not persons")
    two = spolia.search_for([photo, other], **call).summary
    assert two.outcome == "cannot tell"
    assert "pixels tells photos apart, not persons, and there are several" in two.sentence
    assert two.answers[0].nearest[0].copy
    allowed = spolia.search_for([photo, other], **call, any_judge=True).summary
    assert allowed.outcome == "found"
    assert "this one tells photos apart" in refusal(people=tmp_path / "t", **call)


def test_photos_by_another_judge_are_refused_and_both_are_named(run, tmp_path):
    photo = tmp_path / "t/t0/0.png"
    said = refusal(photos=photo, within=run, embedder=Other())
    assert "synthetic was made by pixels (pixels-0) and queries by pixels (others)" in said
    assert "embed both with the same card" in said
    assert "precomputed (fingerprint not known)" in refusal(
        photos=given(np.eye(64, dtype="f4")[:2]), within=run
    )


def test_a_run_that_cannot_be_searched_says_why(run, tmp_path):
    photo = tmp_path / "t/t0/0.png"
    assert "judged by an embedder of Python, pixels:pixels-0" in refusal(photos=photo, within=run)
    assert "takes what embedded the set, pixels (made by the test)" in refusal(
        photos=photo, within=run / "embeddings/synthetic"
    )
    shutil.rmtree(run / "embeddings")
    with pytest.raises(RunIncomplete, match="holds no embeddings of synthetic"):
        spolia.search_for(photo, within=run, embedder=FACES)
    (tmp_path / "study").mkdir()
    (tmp_path / "study/study.toml").write_text("")
    assert "is a study" in refusal(photos=photo, within=tmp_path / "study", embedder=FACES)
    (tmp_path / "question").mkdir()
    (tmp_path / "question/identity.toml").write_bytes(b"\xff")
    assert "cannot be read as TOML" in refusal(photos=photo, within=tmp_path / "question")
    assert "takes what embedded the set; give its card" in refusal(
        photos=photo, within=tmp_path / "s"
    )


def test_a_run_of_embeddings_is_searched_with_embeddings(tmp_path):
    sets = planted(others=100)
    rng = np.random.default_rng(1)
    train = given(photos(rng, faces(rng, 100))[0], name="t")
    spolia.audit(
        train=train, control=sets["nonmembers"], synthetic=sets["within"], out=tmp_path / "run"
    )
    photo = one_of(sets, 0)["photos"]
    found = spolia.search_for(photo, within=tmp_path / "run").summary
    assert [one.outcome for one in found.answers] == ["found", "not found"]
    assert any("It is not known what made the embeddings" in note for note in found.notes)
    np.save(tmp_path / "q.npy", sets["people"].vectors)
    listed = spolia.search_for(people=tmp_path / "q.npy", within=tmp_path / "run").summary
    assert listed.people == 4
    picture = tmp_path / "me.png"
    Image.fromarray(images(rng, 1)[0]).save(picture)
    assert "takes what embedded the set, precomputed" in refusal(
        photos=picture, within=tmp_path / "run"
    )
    assert "photos and embeddings cannot be compared" in refusal(
        photos=picture, within=sets["within"], embedder=FACES
    )
    # As files, beside which the run keeps no store.
    for role, one in {"train": train, "synthetic": sets["within"]}.items():
        np.save(tmp_path / f"{role}.npy", one.vectors)
    keep_embeddings(tmp_path / "control", sets["nonmembers"])
    places = {role: tmp_path / f"{role}.npy" for role in ("train", "synthetic")}
    places["control"] = tmp_path / "control"
    spolia.audit(**places, embedder="precomputed", out=tmp_path / "places")
    again = spolia.search_for(photo, within=tmp_path / "places").summary
    assert again.answers[0].person == found.answers[0].person
    (tmp_path / "train.npy").unlink()
    with pytest.raises(RunIncomplete, match="holds no embeddings of train"):
        spolia.search_for(photo, within=tmp_path / "places")


def test_what_an_audit_set_aside_is_said_to_be_searched(run, tmp_path):
    (tmp_path / "out.txt").write_text("s39/0.png\n")
    sets = {"train": tmp_path / "t", "control": tmp_path / "c", "synthetic": tmp_path / "s"}
    options = spolia.Options(exclude_list=tmp_path / "out.txt")
    spolia.audit(**sets, embedder=FACES, out=tmp_path / "less", options=options)
    found = spolia.search_for(tmp_path / "t/t0", within=tmp_path / "less", embedder=FACES)
    assert "The audit set records aside; they are searched as well." in found.summary.notes


def test_a_call_that_asks_for_nobody_or_too_much_is_refused():
    sets = planted()
    within = sets["within"]
    assert "neither is given" in refusal(within=within)
    assert "both are given" in refusal(photos=within, people=within, within=within)
    assert "top must be at least 1" in refusal(**sets, top=0)
    columns = spolia.Options(columns="x.csv")
    assert "columns is for `spolia audit`, and no part of a search" in refusal(
        **sets, options=columns
    )
    same = {**sets, "nonmembers": sets["people"]}
    assert "not in queries, but 2 are in both" in refusal(**same)
    single = {**sets, "within": given(within.vectors[:1])}
    assert "the synthetic set has 1; give more" in refusal(**single)


def test_what_is_kept_is_private_and_goes_on(tmp_path):
    sets = one_of(planted(), 0)
    found = spolia.search_for(**sets, out=tmp_path / "out")
    again = spolia.search_for(**sets, out=tmp_path / "out")
    assert found.summary == again.summary
    written = json.loads((tmp_path / "out/search.json").read_text())
    assert written["schema"] == SEARCH_SCHEMA
    assert (tmp_path / "out/search.json").read_text() == found.to_json()
    assert pq.read_table(tmp_path / "out/people.parquet").equals(found.people)
    assert pq.read_table(tmp_path / "out/near.parquet").equals(found.nearest)
    files = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert all(one.stat().st_mode & 0o177 == 0 for one in files)
    with pytest.raises(PlanMismatch, match=r"another question: level was 0\.05, now 0\.1"):
        spolia.search_for(**sets, level=0.1, out=tmp_path / "out")
    anew = spolia.Options(overwrite=True)
    assert (
        spolia.search_for(**sets, level=0.1, out=tmp_path / "out", options=anew).summary.level
        == 0.1
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/mine.txt").write_text("mine")
    assert "no run of `spolia search`" in refusal(**sets, out=tmp_path / "mine")


def test_the_detector_of_a_run_is_that_of_its_photos(run, tmp_path):
    """It is opened as the plan says; here it is gone, which says so."""
    plan = (run / "plan.toml").read_text()
    (run / "plan.toml").write_text(plan + 'detector = "/nowhere/yunet.toml"\nface = "largest"\n')
    with pytest.raises(UsageError, match="nowhere"):
        spolia.search_for(tmp_path / "t/t0", within=run, embedder=FACES)
    limits = replace(spolia.Options().limits, pixels=80)
    (run / "plan.toml").write_text(plan + 'limits = ["pixels=80"]\n')
    for options in (spolia.Options(), spolia.Options(limits=limits)):
        call = {"within": run, "embedder": FACES, "options": options}
        assert spolia.search_for(tmp_path / "t/t0", **call).summary.answers == ()
    roomy = spolia.Options(limits=replace(limits, pixels=1000))
    found = spolia.search_for(tmp_path / "t/t0", within=run, embedder=FACES, options=roomy)
    assert found.summary.photos == 2
