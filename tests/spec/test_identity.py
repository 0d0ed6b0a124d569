"""Whose photos a generator was trained on: what is found, what is not, what is refused."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import binom

import spolia
from spolia.auditing.identity import identity
from spolia.core.errors import PlanMismatch, UsageError
from spolia.core.membership import IDENTITY_SCHEMA, TOLD_CODES
from spolia.report.summary_json import write_record
from tests.judges import Pixels, images

DIM = 48


class Unused(Pixels):
    def embed(self, image):
        raise AssertionError(f"{image.shape} embedded before it was refused")


class Faces(Pixels):
    """The same judge, which says that it tells persons."""

    kind = "identity"


def people(rng, n):
    return rng.normal(size=(n, DIM))


def photos(rng, faces, each, name="p", noise=0.8):
    """Photos of people: ``each`` of them, or as many as it says of each."""
    counts = np.broadcast_to(each, len(faces))
    who = np.repeat(np.arange(len(faces)), counts)
    rows = faces[who] + noise * rng.normal(size=(who.size, DIM))
    ids = [f"{name}{i:05d}.jpg" for i in range(who.size)]
    return spolia.Embeddings(spolia.normalise(rows), ids, [f"{name}-{i:03d}" for i in who])


def drawn(seed, *, members=60, others=120, shown=1.0, each=2, samples=150):
    """Members of which a share is shown in the samples, each by another photo, and strangers."""
    rng = np.random.default_rng(seed)
    own, not_own = people(rng, members), people(rng, others)
    seen = own[: round(shown * members)]
    strangers = people(rng, samples)
    return {
        "synthetic": photos(rng, np.concatenate([seen, strangers]), 1, "s"),
        "members": photos(rng, own, each, "m"),
        "nonmembers": photos(rng, not_own, each, "n"),
    }


def queried(sets):
    return {"queries": sets["members"], **{k: v for k, v in sets.items() if k != "members"}}


def test_members_who_are_shown_are_told_from_others():
    found = identity(**drawn(0))
    assert found.summary.outcome == "found"
    assert found.summary.exit_code == TOLD_CODES["found"] == 1
    assert found.summary.identities.auc.low > 0.9
    assert (found.summary.identities.members, found.summary.identities.non_members) == (60, 120)
    assert found.summary.photos.unit == "photos"
    assert found.summary.queries is None
    assert found.named.num_rows == 0


def test_the_area_rises_with_the_share_that_is_shown_as_theory_says():
    """Of those who are not shown the area is one half."""
    area = {
        share: np.mean(
            [
                identity(**drawn(s, shown=share, each=1)).summary.identities.auc.value
                for s in range(4)
            ]
        )
        for share in (0.0, 0.25, 0.5, 1.0)
    }
    for share in (0.0, 0.25, 0.5):
        assert area[share] == pytest.approx(0.5 + share * (area[1.0] - 0.5), abs=0.05)


def test_where_nobody_is_shown_the_interval_holds_one_half_and_p_is_uniform():
    held, p = 0, []
    for seed in range(20):
        sets = drawn(seed, members=19, others=40, shown=0.0, each=1, samples=60)
        found = identity(**sets, queries=sets["members"])
        auc = found.summary.identities.auc
        held += auc.low <= 0.5 <= auc.high
        p += [one["p"] for one in found.identities.to_pylist() if one["set"] == "queries"]
    assert held >= binom.ppf(0.001, 20, 0.95)
    # Queries of one draw share their pool, so that their p hang together.
    for level in (0.1, 0.5, 0.9):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.1)


def test_queries_who_are_shown_are_named():
    sets = queried(drawn(1, others=300, shown=0.5))
    found = identity(**sets)
    assert found.summary.outcome == "found"
    assert found.summary.identities is None
    named = found.named.to_pylist()
    assert all(one["q"] <= 0.05 for one in named)
    assert [one["p"] for one in named] == sorted(one["p"] for one in named)
    right = sum(int(one["identity"][2:]) < 30 for one in named)
    assert right >= 25
    assert len(named) - right <= 6
    assert found.summary.queries.named.count == len(named)
    assert all(one["similarity"] > 0.3 and one["nearest"].startswith("s") for one in named)


def test_queries_are_compared_with_people_of_as_many_photos():
    rng = np.random.default_rng(0)
    each = np.array([1] * 20 + [2] * 20 + [5] * 20)
    sets = {
        "synthetic": photos(rng, people(rng, 50), 1, "s"),
        "queries": photos(rng, people(rng, 4), [1, 2, 3, 9], "q"),
        "nonmembers": photos(rng, people(rng, 60), each, "n"),
    }
    found = identity(**sets)
    rows = [one for one in found.identities.to_pylist() if one["set"] == "queries"]
    assert [one["photos"] for one in rows] == [1, 2, 3, 9]
    assert [one["compared"] for one in rows] == [1, 2, 2, 2]
    (others,) = (one for one in found.summary.compared if one.role == "nonmembers")
    assert (others.photos, others.identities, others.single, others.most) == (160, 60, 20, 5)


def test_too_few_non_members_cannot_tell():
    sets = queried(drawn(2, members=30, others=10, shown=0.0, each=1))
    found = identity(**sets)
    assert (found.summary.outcome, found.summary.exit_code) == ("cannot tell", 4)
    assert found.summary.queries.fewest is None
    assert "none can be named" in found.summary.sentence
    assert "it takes 599 non-members to name one" in found.summary.sentence
    many = identity(**queried(drawn(2, members=30, others=30, shown=0.0, each=1)))
    assert many.summary.queries.fewest == 20
    assert "fewer than 20 together cannot be named" in many.summary.sentence


def test_silence_with_enough_non_members_is_said_with_its_limit():
    found = identity(**queried(drawn(3, members=3, others=100, shown=0.0)))
    assert (found.summary.outcome, found.summary.exit_code) == ("not found", 0)
    assert "That does not show that none is a member." in found.summary.sentence


def test_sides_that_differ_the_other_way_are_said_to():
    sets = drawn(4)
    swapped = {**sets, "members": sets["nonmembers"], "nonmembers": sets["members"]}
    found = identity(**swapped)
    assert found.summary.outcome == "not found"
    assert found.summary.sentence.startswith("Non-members score higher than members")


def test_the_seed_and_nothing_else_decides():
    sets = drawn(5, shown=0.2)
    one, same = (identity(**sets, queries=sets["members"], seed=1) for _ in range(2))
    other = identity(**sets, queries=sets["members"], seed=2)
    assert one.summary == same.summary
    assert one.identities.equals(same.identities)
    assert one.summary.identities.auc.value == other.summary.identities.auc.value
    assert one.summary.identities.auc.low != other.summary.identities.auc.low


def test_the_order_of_records_decides_nothing():
    sets = drawn(6, shown=0.2)
    rng = np.random.default_rng(0)
    mixed = {}
    for role, one in sets.items():
        order = rng.permutation(len(one))
        mixed[role] = spolia.Embeddings(
            one.vectors[order], [one.ids[i] for i in order], [one.identities[i] for i in order]
        )
    first = identity(**sets, queries=sets["members"])
    second = identity(**mixed, queries=mixed["members"])
    assert first.identities.equals(second.identities)
    assert first.summary.identities == second.summary.identities
    assert first.summary.queries == second.summary.queries


def test_one_person_with_ten_thousand_photos_counts_once():
    rng = np.random.default_rng(0)
    each = np.ones(40, dtype=np.int64)
    each[0] = 10_000
    found = identity(
        synthetic=photos(rng, people(rng, 120), 1, "s"),
        members=photos(rng, people(rng, 40), 1, "m"),
        queries=photos(rng, people(rng, 2), [10_000, 1], "q"),
        nonmembers=photos(rng, people(rng, 40), each, "n"),
    )
    (others,) = (one for one in found.summary.compared if one.role == "nonmembers")
    assert others.most == 10_000
    assert found.summary.identities.non_members == 40
    assert found.summary.photos.refused == (0.01, 0.001)
    assert any(
        "One identity of nonmembers has 10,000 of its 10,039" in n for n in found.summary.notes
    )
    assert any("Members have 1.0 photos each, non-members 251.0" in n for n in found.summary.notes)
    asked = [one["compared"] for one in found.identities.to_pylist() if one["set"] == "queries"]
    assert asked == [1, 1]


def test_photos_that_are_in_train_are_left_out_and_counted():
    sets = drawn(7, members=30, others=40)
    own = sets["members"]
    # Both photos of the first member and one of the second were trained on themselves.
    train = spolia.Embeddings(own.vectors[[0, 1, 2]], identities=["a", "b", "c"])
    found = identity(**sets, train=train)
    (members,) = (one for one in found.summary.compared if one.role == "members")
    assert (members.photos, members.identities) == (57, 29)
    assert (members.in_train, members.in_train_whole) == (3, 1)
    assert any(
        "3 photos of members have a near-duplicate in train" in n for n in found.summary.notes
    )
    assert not any("Without train" in note for note in found.summary.notes)
    assert "30 of 30 members are not in train by name." in found.summary.notes
    with pytest.raises(UsageError, match="members has no record left: a near-duplicate in train"):
        identity(**sets, train=own)


def test_what_is_published_holds_no_name(tmp_path):
    sets = drawn(8, shown=0.5)
    found = identity(**sets, queries=sets["members"], out=tmp_path / "run")
    text = (tmp_path / "run" / "identity.json").read_text(encoding="utf-8")
    assert text == found.to_json() == write_record(found.summary)
    assert json.loads(text)["schema"] == IDENTITY_SCHEMA
    assert not any(name in text for one in sets.values() for name in (*one.ids, *one.identities))
    assert pq.read_table(tmp_path / "run" / "identities.parquet").equals(found.identities)
    assert all(
        one.stat().st_mode & 0o177 == 0 for one in (tmp_path / "run").rglob("*") if one.is_file()
    )


def test_a_run_goes_on_and_another_question_is_refused(tmp_path):
    sets = drawn(9)
    first = identity(**sets, out=tmp_path / "run")
    again = identity(**sets, out=tmp_path / "run")
    assert first.summary == again.summary
    with pytest.raises(PlanMismatch, match=r"another question: fdr was 0\.05, now 0\.1"):
        identity(**sets, fdr=0.1, out=tmp_path / "run")
    anew = spolia.Options(overwrite=True)
    assert identity(**sets, fdr=0.1, out=tmp_path / "run", options=anew).summary.fdr == 0.1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    for options in (spolia.Options(), anew):
        with pytest.raises(UsageError, match=r"not empty|is not a run"):
            identity(**sets, out=tmp_path / "other", options=options)
    (tmp_path / "run" / "identity.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        identity(**sets, fdr=0.1, out=tmp_path / "run")


def refusal(**sets):
    """Return why a question is refused."""
    with pytest.raises(UsageError) as error:
        identity(**sets)
    return str(error.value)


def test_a_question_without_people_is_refused():
    sets = drawn(10)
    nobody = refusal(synthetic=sets["synthetic"], nonmembers=sets["nonmembers"])
    assert "needs people to ask about" in nobody
    columns = refusal(**sets, options=spolia.Options(columns="x.csv"))
    assert "columns is for `spolia audit`" in columns


def test_a_person_on_both_sides_is_refused():
    rng = np.random.default_rng(0)
    faces = people(rng, 30)
    sets = {"synthetic": photos(rng, people(rng, 60), 1, "s"), "nonmembers": photos(rng, faces, 2)}
    again = photos(rng, faces[:3], 1)
    members = refusal(**sets, members=again)
    assert "not in members, but 3 are in both (first: 'p-000')" in members
    assert "not in queries, but 3 are in both" in refusal(**sets, queries=again)
    other = photos(rng, people(rng, 9), 1, "m")
    assert "not in train, but 3 are in both" in refusal(**sets, members=other, train=again)
    # Without labels the names are those of files, and say nothing.
    plain = spolia.Embeddings(again.vectors, again.ids)
    assert identity(**sets, members=plain).summary.identities.members == 3


def test_a_photo_on_both_sides_is_refused():
    sets = drawn(11)
    others = sets["nonmembers"]
    own = spolia.Embeddings(others.vectors[:2], ["x.jpg", "y.jpg"], ["x", "y"])
    both = {**sets, "members": own}
    members = refusal(**both)
    assert "2 of members have a near-duplicate in nonmembers" in members
    assert "'x.jpg' and 'n00000.jpg'" in members
    assert "2 of queries have a near-duplicate" in refusal(**{**sets, "queries": own})
    off = identity(**both, options=spolia.Options(duplicates="off"))
    assert off.summary.duplicates is None
    assert any("were not searched for" in note for note in off.summary.notes)


def test_a_single_sample_is_refused_and_few_are_noted():
    sets = drawn(12)
    one = spolia.Embeddings(sets["synthetic"].vectors[:1])
    assert "the synthetic set has 1; give more" in refusal(**{**sets, "synthetic": one})
    few = spolia.Embeddings(sets["synthetic"].vectors[:5])
    found = identity(**{**sets, "synthetic": few})
    assert any("has 5 images, which betray little" in note for note in found.summary.notes)


def write(folder, rng, n, each):
    from PIL import Image

    for person in range(n):
        (folder / f"{folder.name}{person}").mkdir(parents=True)
        for number, picture in enumerate(images(rng, each)):
            Image.fromarray(picture).save(folder / f"{folder.name}{person}" / f"{number}.png")
    return folder


def test_a_judge_of_photos_is_refused_where_people_have_several(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        "synthetic": write(tmp_path / "s", rng, 30, 1),
        "members": write(tmp_path / "m", rng, 6, 2),
        "nonmembers": write(tmp_path / "n", rng, 12, 2),
    }
    several = "this one tells photos apart, and identities of members have several"
    assert several in refusal(**sets, embedder=Unused())
    allowed = identity(**sets, embedder=Pixels(), any_judge=True)
    assert allowed.summary.any_judge
    assert any("pixels tells photos apart" in note for note in allowed.summary.notes)
    persons = identity(**sets, embedder=Faces())
    assert persons.summary.model.kind == "identity"
    assert not any("tells photos apart" in note for note in persons.summary.notes)
    singles = spolia.Options(identities="none")
    assert identity(**sets, embedder=Pixels(), options=singles).summary.photos is None


def test_a_photo_scores_by_its_nearest_sample_unless_another_score_is_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        "synthetic": write(tmp_path / "s", rng, 30, 1),
        "members": write(tmp_path / "m", rng, 6, 1),
        "nonmembers": write(tmp_path / "n", rng, 12, 1),
    }
    plain, top, standard = (
        identity(**sets, embedder=Faces(), score=score).identities.to_pylist()
        for score in ("nearest", "top", "standard")
    )
    assert all(one["score"] == one["similarity"] for one in plain)
    assert all(one["score"] < one["similarity"] for one in top)
    assert all(one["score"] > 2 * one["similarity"] for one in standard)
    assert [one["similarity"] for one in plain] == [one["similarity"] for one in standard]
    # A standard score of the nearest of 30 is at most sqrt(29).
    assert max(one["score"] for one in standard) <= 29**0.5


@pytest.mark.parametrize(("score", "told"), [("nearest", 1.0), ("top", 1.0), ("standard", 0.0)])
def test_who_fills_most_samples_stands_out_unless_all_samples_are_the_yardstick(score, told):
    """The more samples show somebody, the wider they spread, and the lower is a standard score."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(60, 64))

    def photos(who):
        rows = people[who] + 0.5 * rng.normal(size=(len(who), 64))
        return spolia.Embeddings(spolia.normalise(rows), identities=[f"n{i}" for i in who])

    shown = np.concatenate([np.zeros(60, dtype=int), np.arange(20, 60)])
    found = identity(
        synthetic=spolia.Embeddings(photos(shown).vectors),
        members=photos(np.array([0, 0])),
        nonmembers=photos(np.arange(1, 20).repeat(2)),
        score=score,
    )
    assert found.summary.identities.auc.value == told


def test_a_score_that_there_is_not_is_refused():
    rows = spolia.Embeddings(spolia.normalise(np.random.default_rng(0).normal(size=(9, 8))))
    with pytest.raises(UsageError, match="score must be one of nearest, top, standard"):
        identity(synthetic=rows, members=rows, nonmembers=rows, score="max")


def test_images_that_cannot_be_read_are_counted_and_an_empty_side_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        "synthetic": write(tmp_path / "s", rng, 30, 1),
        "members": write(tmp_path / "m", rng, 6, 2),
        "nonmembers": write(tmp_path / "n", rng, 12, 2),
    }
    (tmp_path / "m" / "m0" / "0.png").write_bytes(b"no image")
    most = spolia.Options(max_bad=1.0)
    found = identity(**sets, embedder=Faces(), options=most)
    assert [row[:2] for row in found.quarantine] == [("members", "m0/0.png")]
    assert {one.role: one.unreadable for one in found.summary.sets}["members"] == 1
    for one in tmp_path.glob("m/*/*.png"):
        one.write_bytes(b"no image")
    nothing = refusal(**sets, embedder=Faces(), options=most)
    assert "members has no image to compare" in nothing


def test_photos_without_a_face_are_left_out_and_counted_apart(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        "synthetic": write(tmp_path / "s", rng, 30, 1),
        "members": write(tmp_path / "m", rng, 6, 2),
        "nonmembers": write(tmp_path / "n", rng, 12, 2),
    }
    points = "2,3,6,3,4,5,3,7,5,7"
    named = [
        f"{one.parent.name}/{one.name},{points}"
        for one in sorted(tmp_path.glob("*/*/*.png"))
        if one.parent.name not in ("m0", "n3")
    ]
    head = "id,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5"
    (tmp_path / "points.csv").write_text("\n".join([head, *named]) + "\n")
    options = spolia.Options(landmarks=tmp_path / "points.csv")
    found = identity(**sets, embedder=Faces(), options=options).summary
    assert {one.role: (one.unreadable, one.no_face) for one in found.sets} == {
        "synthetic": (0, 0),
        "members": (0, 2),
        "nonmembers": (0, 2),
    }
    assert (found.identities.members, found.identities.non_members) == (5, 11)
