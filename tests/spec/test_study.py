"""Laws of a study: null first, then planted truth, then that its audits are like any other."""

import html
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

import spolia
from spolia.auditing.study_plan import places, read_study_plan
from spolia.auditing.study_result import load_study
from spolia.auditing.study_verify import verify_study
from spolia.core.errors import PlanMismatch, RunIncomplete, UsageError, VerificationFailed
from spolia.core.results import EXIT_CODES
from spolia.core.study import WORST_FIRST, worst
from spolia.report.study_json import study_from_json, study_to_json
from tests.judges import Blind, Pixels, write_study
from tests.planted import planted

SEEING = Pixels(), Pixels("turned", turn=1)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("sets"))


def do(sets, judges=SEEING, names=("leaky", "clean"), **more):
    return spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={name: sets[name] for name in names},
        embedders=judges,
        **more,
    )


@pytest.fixture(scope="module")
def whole(sets, tmp_path_factory):
    """Two sets, three judges of which one is blind, and the folder it leaves."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return do(sets, (*SEEING, Blind()), out=out), out


def tables(result):
    names = ("findings", "identities", "ranking", "evidence")
    return [getattr(result, name).to_pylist() for name in names]


def test_no_leak_gives_nothing_under_any_judge(sets):
    result = do(sets, names=("clean",))
    (one,) = result.summary.sets
    assert (one.outcome, result.summary.exit_code) == ("none", 0)
    assert one.together.exposed.train.count == one.together.any_judge.count == 0
    assert one.together.named_by == ()
    assert result.combined["clean"]["named"].to_pylist().count(True) == 0
    assert result.disagreements["clean"].num_rows == 0
    assert result.agreement["clean"][0].jaccard is None


def test_planted_leaks_are_found_by_both_judges_and_together(sets):
    result = do(sets, names=("leaky",))
    (one,) = result.summary.sets
    together = one.together
    assert result.summary.exit_code == 1
    assert together.exposed.train.count >= 58
    assert together.by_all >= 57
    assert together.agreement[0].jaccard.value > 0.85
    named = [row["identity"] for row in result.combined["leaky"].to_pylist() if row["named"]]
    assert len([name for name in named if int(name) < 60]) >= 58
    assert len([name for name in named if int(name) >= 60]) <= 5


def test_a_blind_judge_disagrees_and_the_list_says_so(sets):
    result = do(sets, (Pixels(), Blind()), names=("leaky",))
    (one,) = result.summary.sets
    assert one.together.by_all == 0
    assert one.together.by_some >= 57
    assert one.together.exposed.train.count >= 50
    assert one.together.named_by[0].judges == ("pixels",)
    rows = result.disagreements["leaky"].to_pylist()
    said = {(row["judge"], row["named"]) for row in rows}
    assert said == {("pixels", True), ("blind", False)}
    assert "pixels (1 of 2 judges)" in one.sentence


def test_the_audits_of_a_study_are_those_of_single_calls(sets, whole):
    result, _ = whole
    for (name, judge), cell in result.cells.items():
        embedder = {one.name: one for one in (*SEEING, Blind())}[judge]
        alone = spolia.audit(
            train=sets["train"],
            control=sets["control"],
            synthetic=sets[name],
            embedder=embedder,
        )
        assert cell.plan == alone.plan
        assert cell.to_json() == alone.to_json()
        assert tables(cell) == tables(alone)


def test_train_and_control_are_embedded_once_for_each_judge(sets, tmp_path):
    calls = []

    class Counted(Pixels):
        def embed(self, image):
            calls.append(self.name)
            return super().embed(image)

    do(sets, (Counted("a"), Counted("b", turn=2)), out=tmp_path / "run")
    assert calls.count("a") == calls.count("b") == 4 * 200
    stores = sorted(p.parent.relative_to(tmp_path / "run") for p in tmp_path.rglob("manifest.json"))
    assert [str(one) for one in stores] == [
        *(f"clean/{judge}/embeddings/synthetic" for judge in "ab"),
        *(f"embeddings/{judge}/{role}" for judge in "ab" for role in ("control", "train")),
        *(f"leaky/{judge}/embeddings/synthetic" for judge in "ab"),
    ]


def counted(result):
    """What a study says of each set, without the order of sets and judges."""
    said = {}
    for one in result.summary.sets:
        cells = {cell.judge: (cell.outcome, cell.sentence, cell.exposed) for cell in one.cells}
        both = one.together
        table = [
            row | {"named_by": sorted(row["named_by"])}
            for row in result.combined[one.name].to_pylist()
        ]
        named_by = {frozenset(by.judges): by.count for by in both.named_by}
        said[one.name] = (cells, both.exposed, both.any_judge, named_by, both.by_all, table)
    return said


def test_near_duplicates_are_searched_and_quality_measured_once_for_all_sets(sets, tmp_path):
    out = tmp_path / "run"
    do(sets, SEEING[:1], out=out)
    assert {one.name.split("-")[0] for one in (out / "duplicates").iterdir()} == {
        *("train", "control", "across"),
    }
    # Train and control are measured once, and each of the two sets.
    assert sorted(one.name.split("-")[0] for one in (out / "quality").iterdir()) == [
        *("control", "synthetic", "synthetic", "train"),
    ]
    own = {one.name for one in (out / "leaky" / "pixels").iterdir()}
    assert not own & {"duplicates", "quality"}


def test_records_are_set_aside_in_every_audit(sets, tmp_path):
    listed, columns = tmp_path / "list.txt", tmp_path / "known.csv"
    listed.write_text("".join(f"{i:03d}\n" for i in range(10)))
    rows = "".join(f"train,{i:03d},{'child' if i == 11 else 'adult'}\n" for i in range(200))
    columns.write_text(f"set,id,age\n{rows}")
    options = spolia.Options(
        exclude_list=listed, columns=columns, exclude=("age=child",), duplicates=0.99
    )
    out = tmp_path / "run"
    result = do(sets, SEEING[:1], out=out, options=options)
    for name in ("leaky", "clean"):
        cell = result.cells[name, "pixels"]
        alone = spolia.audit(
            train=sets["train"],
            control=sets["control"],
            synthetic=sets[name],
            embedder=SEEING[0],
            options=options,
        )
        assert cell.plan == alone.plan
        assert cell.plan.duplicates == 0.99
        assert cell.to_json() == alone.to_json()
        excluded = cell.summary.counting.excluded
        assert sum(one.records for one in excluded if one.role == "train") == 11
    assert "011" not in result.cells["leaky", "pixels"].identities["identity"].to_pylist()
    assert verify_study(out).audits == 2
    assert read_study_plan(out) == result.plan


def test_a_judge_decides_what_counts_as_one_photo(sets, tmp_path):
    @dataclass(frozen=True)
    class Faces(Pixels):
        name: str = "faces"
        kind = "identity"

    result = do(sets, (Pixels(), Faces()), names=("clean",), out=tmp_path / "run")
    assert [one.duplicates for one in result.plan.judges] == [0.998, 0.97]
    assert read_study_plan(tmp_path / "run") == result.plan


def test_a_judge_that_may_know_the_people_is_noted(sets):
    @dataclass(frozen=True)
    class Faces(Pixels):
        kind = "identity"

    result = do(sets, (Faces("faces", trained_on=("WebFace",)), Pixels()), names=("clean",))
    said = "faces: The judge was trained on WebFace"
    assert any(note.startswith(said) for note in result.summary.notes)


def test_the_order_of_judges_and_sets_does_not_matter(sets, whole):
    moved = do(sets, (Blind(), *SEEING[::-1]), ("clean", "leaky"))
    assert counted(moved) == counted(whole[0])
    assert [one.name for one in moved.summary.sets] == ["clean", "leaky"]


def test_a_study_of_one_set_and_one_judge_is_an_audit(sets, tmp_path):
    from spolia.auditing.result import load_result

    result = do(sets, (Pixels(),), names=("leaky",), out=tmp_path / "run")
    alone = spolia.audit(
        train=sets["train"],
        control=sets["control"],
        synthetic=sets["leaky"],
        embedder=Pixels(),
    )
    assert load_result(tmp_path / "run").to_json() == alone.to_json()
    assert result.summary.sentence == alone.summary.sentence
    assert not (tmp_path / "run" / "study.toml").exists()
    assert result.summary.sets[0].together is None
    assert result.agreement == {"leaky": ()}


def test_a_study_of_embeddings_needs_no_images():
    truth = planted(leaks=60)
    result = spolia.study(
        train=truth.train, control=truth.control, synthetic=[truth.synthetic, truth.synthetic]
    )
    assert [one.name for one in result.summary.sets] == ["set 1", "set 2"]
    assert [one.outcome for one in result.summary.sets] == ["leak", "leak"]
    assert result.cells["set 1", "precomputed"].identities.num_rows >= 58


def test_without_a_control_there_is_no_verdict_and_nothing_is_combined(sets):
    result = spolia.study(
        train=sets["train"], synthetic=[sets["leaky"], sets["clean"]], embedders=SEEING
    )
    assert result.summary.outcome == "no verdict"
    assert result.summary.exit_code == 4
    assert all(one.together is None for one in result.summary.sets)
    assert "no verdict" in result.to_html().lower()


def test_a_judge_that_fails_its_negative_control_is_not_combined(tmp_path):
    """Copies within the control, many times over, all in the half that plays train."""
    from spolia.auditing.together import combine_judges

    sets = write_study(tmp_path)
    result = do(sets, names=("leaky",))
    cells = {judge: cell for (_, judge), cell in result.cells.items()}
    assert combine_judges(cells) is not None
    failed = replace(cells["turned"].summary.negative_control, passed=False, found=30)
    summary = replace(cells["turned"].summary, negative_control=failed, outcome="inconclusive")
    spoilt = cells | {"turned": replace(cells["turned"], summary=summary)}
    assert combine_judges(spoilt) is None

    from spolia.auditing.study_result import put_together

    both = put_together(result.plan, {("leaky", judge): one for judge, one in spoilt.items()})
    assert "failed its negative control" in both.summary.sentence
    assert any("the negative control of turned failed" in note for note in both.summary.notes)
    assert both.summary.exit_code == 1


@pytest.mark.parametrize("outcome", WORST_FIRST)
def test_the_worst_outcome_decides(outcome):
    later = WORST_FIRST[WORST_FIRST.index(outcome) :]
    assert worst(later) == worst(reversed(later)) == outcome
    assert [EXIT_CODES[one] for one in WORST_FIRST] == [1, 4, 4, 0]


def test_judges_that_share_training_images_are_noted(sets):
    judges = Pixels("one", trained_on=("WebFace", "CASIA")), Pixels("two", 1, ("casia",))
    notes = " ".join(do(sets, judges, names=("clean",)).summary.notes)
    assert "one and two were trained on the same images (CASIA): they are not independent" in notes
    notes = " ".join(do(sets, names=("clean",)).summary.notes)
    assert "not independent" not in notes


def test_several_sets_are_noted_as_such(whole):
    assert any("nothing is corrected for their number" in one for one in whole[0].summary.notes)


# What it leaves


def test_a_study_is_read_as_it_was_written(whole):
    result, out = whole
    again = load_study(out)
    assert again.summary == result.summary
    assert again.plan == result.plan == read_study_plan(out)
    assert study_from_json(study_to_json(result.summary)) == result.summary
    assert json.loads(result.to_json())["schema"] == "spolia-study/1"
    for name in ("combined", "disagreements"):
        for one, table in getattr(result, name).items():
            assert getattr(again, name)[one].equals(table)


def test_a_study_can_be_called_again_and_moved(sets, whole, tmp_path):
    result, out = whole
    before = (out / "report.json").read_bytes()
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*.np[yz]")}
    do(sets, (*SEEING, Blind()), out=out)
    assert (out / "report.json").read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in made} == made
    out.rename(tmp_path / "moved")
    checked = verify_study(tmp_path / "moved")
    (tmp_path / "moved").rename(out)
    assert checked.audits == 6
    assert checked.findings == sum(one.findings.num_rows for one in result.cells.values())


def test_verify_notices_what_was_changed(tmp_path):
    import pyarrow.parquet as pq

    out, sets = tmp_path / "run", write_study(tmp_path / "sets", size=60, leaks=50, clean=10)
    do(sets, (Pixels(), Blind()), names=("leaky",), out=out)
    verify_study(out)
    for name in ("leaky/combined", "leaky/disagreements", "leaky/pixels/evidence"):
        path = out / f"{name}.parquet"
        kept = path.read_bytes()
        pq.write_table(pq.read_table(path).slice(1), path)
        with pytest.raises(VerificationFailed, match="does not follow"):
            verify_study(out)
        path.write_bytes(kept)
    report = (out / "report.json").read_text()
    (out / "report.json").write_text(report.replace('"by_all": 0', '"by_all": 1'))
    with pytest.raises(VerificationFailed, match="does not follow from its audits"):
        verify_study(out)
    (out / "report.json").write_text(report)
    (out / "leaky/pixels").rename(out / "aside")
    with pytest.raises(RunIncomplete):
        verify_study(out)


def test_another_study_is_not_written_over(sets, whole):
    _, out = whole
    with pytest.raises(PlanMismatch, match="holds another study: judges was"):
        do(sets, out=out)
    with pytest.raises(UsageError, match="no run of `spolia audit`"):
        spolia.audit(train=sets["train"], synthetic=sets["clean"], out=out)
    with pytest.raises(UsageError, match="is not empty and not a study"):
        do(sets, out=out / "leaky" / "pixels")


def test_overwrite_starts_anew(sets, tmp_path):
    out = tmp_path / "run"
    do(sets, out=out, names=("clean",))
    do(sets, out=out, options=spolia.Options(overwrite=True))
    assert [one.name for one in load_study(out).summary.sets] == ["leaky", "clean"]
    inside = write_study(out / "sets", size=30, leaks=5, clean=5)
    with pytest.raises(UsageError, match="lies inside"):
        do(inside, out=out, options=spolia.Options(overwrite=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"synthetic": "x.npy"}, "synthetic must be a list"),
        ({"synthetic": []}, "at least one synthetic set"),
        ({"embedders": "dct"}, "embedders must be a list"),
        ({"embedders": []}, "embedders must be a list"),
        ({"embedders": ["dct", "dct"]}, "dct is given twice"),
        ({"embedders": ["dct", "precomputed"]}, "several judges need images"),
        ({"embedders": ["dtc", "dct"]}, "did you mean dct"),
        ({"fdr": 0.0}, "fdr must lie between"),
    ],
    ids=lambda one: str(one) if isinstance(one, dict) else "",
)
def test_a_wrong_call_says_what_to_do(sets, change, message):
    call = {"train": sets["train"], "synthetic": [sets["clean"]], "embedders": ["dct"]}
    with pytest.raises(UsageError, match=message):
        spolia.study(**(call | change))


def test_several_judges_of_embeddings_are_refused():
    truth = planted(leaks=0)
    with pytest.raises(UsageError, match="several judges need images"):
        spolia.study(train=truth.train, synthetic=[truth.synthetic], embedders=["dct", Pixels()])


@pytest.mark.parametrize(
    "text",
    [
        "train = 3",
        "[[",
        "\xff",
        'train="a"\nfdr=0.1\nseed=0\nidentities="auto"\nmax_bad=0.1\njudges=[]\n'
        '[[sets]]\nname="a"\nfolder="../.."\ngiven="b"\n',
    ],
)
def test_a_plan_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "study.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        read_study_plan(tmp_path)


def test_a_folder_that_is_no_study_says_so(tmp_path):
    with pytest.raises(RunIncomplete, match="not a study"):
        read_study_plan(tmp_path)


def test_an_unfinished_study_says_so(sets, tmp_path):
    do(sets, names=("clean",), out=tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    with pytest.raises(RunIncomplete, match=r"report\.json is missing"):
        load_study(tmp_path / "run")


def test_names_and_folders_are_distinct():
    names = ["a", "a", "A", "a 2", "embeddings", "report.json", "", "..", "x" * 99, "x" * 98]
    made = places(names, names)
    for what in ("name", "folder"):
        values = [getattr(one, what).lower() for one in made]
        assert len(set(values)) == len(values)
    assert not {one.folder for one in made} & {"embeddings", "report.json", "..", ""}


# The page


def test_every_audit_and_every_number_is_on_the_page(whole):
    from spolia.report import format as written

    result, _ = whole
    page = result.to_html()
    assert page.count("<tbody>") == 2
    for one in result.summary.sets:
        for cell in one.cells:
            for rate in (cell.exposed.train, cell.exposed.control, cell.flagged.train):
                assert written.out_of(rate) in page
                assert written.limits(rate) in page
        assert written.in_full(one.together.exposed.train) in page
        assert written.in_full(one.together.exposed.control) in page
        assert written.in_full(one.together.any_judge) in page
    for note in result.summary.notes:
        assert note in html.unescape(page).replace("\xa0", " ")


def test_nothing_that_is_published_names_an_identity_or_a_path(tmp_path):
    sets = write_study(tmp_path / "secret-folder")
    named = [f"person-secret-{i:03d}" for i in range(200)]
    rng = np.random.default_rng(0)
    rows = spolia.normalise(rng.normal(size=(600, 24)))
    parts = [spolia.Embeddings(rows[i : i + 200], named) for i in (0, 200)]
    copies = spolia.Embeddings(np.concatenate([rows[:60], rows[400:540]]), named)
    of_rows = spolia.study(train=parts[0], control=parts[1], synthetic={"a": copies, "b": copies})
    of_images = do(sets, (Pixels(), Blind()), names=("leaky",))
    assert (
        "person-secret-003" in of_rows.cells["a", "precomputed"].identities["identity"].to_pylist()
    )
    for result in (of_rows, of_images):
        for text in (result.to_json(), result.to_html(), result._repr_html_()):
            assert "secret" not in text
    internal = of_images.to_html("internal")
    first = of_images.disagreements["leaky"]["identity"][0].as_py()
    assert f'<bdi class="id">{first}</bdi>' in internal
    assert "Not for publication" in internal
    assert "Not for publication" not in of_images.to_html()


def test_an_unknown_profile_is_refused(whole):
    with pytest.raises(UsageError, match="profile must be one of"):
        whole[0].to_html("everyone")


def test_the_page_is_the_same_again(whole, tmp_path):
    result, out = whole
    assert load_study(out).to_html() == result.to_html()
    assert result.report(tmp_path / "page.html").read_text() == result.to_html()


def test_the_dots_of_all_audits_share_one_axis(whole):
    from spolia.report.study import plot

    drawn = plot(whole[0].summary)
    assert len(drawn.lines) == 6
    values = {(one.name, one.judge): one.train.value for one in drawn.lines}
    assert values["leaky", "pixels"] > 50 > values["clean", "pixels"] == 0.0
    for line in drawn.lines:
        assert 0 <= line.train.low <= line.train.value <= line.train.high <= 100


def test_a_leak_that_one_judge_finds_is_not_outvoted(sets):
    """Where all judges together name nobody, the outcome stays, and the sentence says both."""
    from spolia.auditing.study_summary import summarise_set

    result = do(sets, (Pixels(), Blind()), names=("leaky",))
    cells = {judge: cell for (_, judge), cell in result.cells.items()}
    together = result.summary.sets[0].together
    nobody = replace(together.exposed.train, count=0, value=0.0, low=0.0)
    silent = replace(together, exposed=replace(together.exposed, train=nobody))
    said = summarise_set("leaky", cells, silent)
    assert (said.outcome, said.exit_code) == ("leak", 1)
    assert "Leak found by pixels (1 of 2 judges); but at " in said.sentence
    assert "names none of 200 training images" in said.sentence


def test_an_inconclusive_judge_is_named(sets):
    result = do(sets, (Pixels(), Blind()), names=("clean",))
    cells = {judge: cell for (_, judge), cell in result.cells.items()}
    from spolia.auditing.study_summary import summarise_set

    unsure = replace(cells["blind"].summary, outcome="inconclusive")
    said = summarise_set("clean", cells | {"blind": replace(cells["blind"], summary=unsure)}, None)
    assert (said.outcome, said.exit_code) == ("inconclusive", 4)
    assert said.sentence.endswith("but blind cannot say; pixels found nothing.")
