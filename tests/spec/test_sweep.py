"""Models that remember are found out, models that do not are not, and nothing is trained twice."""

import tomllib

import numpy as np
import pytest

from spolia.auditing.alike import Kept
from spolia.auditing.options import Options
from spolia.auditing.sets import prepare
from spolia.auditing.sweep import sweep
from spolia.auditing.sweep_people import draw, people_in
from spolia.auditing.sweep_plan import read_sweep_plan, sweep_plan
from spolia.auditing.sweep_result import SweepResult, load_sweep
from spolia.core.errors import PlanMismatch, RunIncomplete, UsageError
from spolia.report.summary_json import write_record
from spolia.report.sweep import render_sweep
from spolia.store.precomputed import open_precomputed
from tests.swept import PHOTOS, SIDE, train_rememberer, train_stranger, write_people

SWEEPS = [
    {"vary": "identities", "values": [4, 20], "samples": 60},
    {"vary": "repeated", "values": [1, 20], "identities": 20, "samples": 40},
    {"vary": "samples", "values": [2, 60], "identities": 10},
]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("faces") / "people")


def plan_of(faces, **changed):
    table = {
        "source": str(faces),
        "any_judge": True,
        "models": 4,
        "non_members": 40,
        "training": {"side": SIDE},
        "sweep": SWEEPS,
    }
    return sweep_plan(table | changed, "plan")


@pytest.fixture(scope="module")
def remembered(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "study"
    return sweep(plan_of(faces), train=train_rememberer, out=out).summary, out


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_models_that_make_strangers_betray_nobody(faces, seed):
    """Under seed 0 the interval of the p-values misses, as one in twenty does."""
    sweeps = [{"vary": "identities", "values": [4, 20], "samples": 60}]
    summary = sweep(plan_of(faces, seed=seed, sweep=sweeps), train=train_stranger).summary
    (swept,) = summary.sweeps
    for point in swept.points:
        assert point.members.low <= 0.5 <= point.members.high
        assert point.others.low <= 0.5 <= point.others.high
        assert point.low.low <= 0.05
    assert swept.changes.members.low <= 0.0 <= swept.changes.members.high


def test_people_who_were_not_trained_on_look_like_chance_beside_models_that_remember(remembered):
    for swept in remembered[0].sweeps:
        for point in swept.points:
            assert point.others.low <= 0.5 <= point.others.high


def test_models_that_remember_betray_fewer_of_more_people(remembered):
    few, many = remembered[0].sweeps[0].points
    assert few.members.low > 0.5
    assert many.members.value <= few.members.value


def test_who_is_repeated_stands_out(remembered):
    once, often = remembered[0].sweeps[1].points
    assert often.person.value == 1.0
    assert often.person.value >= once.person.value
    assert once.models[0].person is not None


def test_more_samples_betray_more(remembered):
    swept = remembered[0].sweeps[2]
    assert swept.changes.members.low > 0.0
    assert swept.points[1].members.low > 0.5


def test_copies_are_counted_beside_those_of_chance(remembered):
    for swept in remembered[0].sweeps:
        for point in swept.points:
            assert point.copies.low > 0.5
            assert point.chance.high < point.copies.low
    assert [swept.memorised for swept in remembered[0].sweeps] == [20, None, None]


def test_a_sweep_that_repeats_nobody_says_nothing_of_a_person(remembered):
    assert remembered[0].sweeps[0].points[0].person is None
    assert remembered[0].sweeps[0].changes.person is None


def test_a_study_is_read_as_it_was_written(remembered):
    summary, out = remembered
    assert load_sweep(out).summary == summary


def test_a_study_that_is_not_finished_says_so(tmp_path):
    with pytest.raises(RunIncomplete, match=r"sweep\.json is missing"):
        load_sweep(tmp_path)


def test_a_study_has_one_report(remembered, tmp_path):
    result = SweepResult(remembered[0])
    assert result.report(tmp_path / "a.html").read_text(encoding="utf-8") == result.to_html()
    assert result._repr_html_().startswith("<iframe")
    with pytest.raises(UsageError, match="has one report"):
        result.report(tmp_path / "a.md", form="md")
    with pytest.raises(UsageError, match="has one report"):
        result.report(tmp_path / "a.html", profile="full")


def test_the_same_plan_gives_the_same_numbers(faces, remembered):
    again = sweep(plan_of(faces), train=train_rememberer)
    assert again.to_json() == write_record(remembered[0])


def test_one_training_gives_all_numbers_of_steps(faces):
    trained = []

    def train(images, steps, seed, progress):
        trained.append(seed)
        assert steps == [10, 20]
        return train_rememberer(images, steps, seed, progress)

    sweeps = [{"vary": "steps", "values": [20, 10], "samples": 10, "identities": 4}]
    sweep(plan_of(faces, sweep=sweeps, models=2), train=train)
    assert len(trained) == len(set(trained)) == 2


def test_a_killed_study_trains_no_model_twice(faces, remembered, tmp_path):
    trained = []

    def killed(images, steps, seed, progress):
        if len(trained) == 5:
            raise KeyboardInterrupt
        trained.append(seed)
        return train_rememberer(images, steps, seed, progress)

    with pytest.raises(KeyboardInterrupt):
        sweep(plan_of(faces), train=killed, out=tmp_path / "study")

    def on(images, steps, seed, progress):
        trained.append(seed)
        return train_rememberer(images, steps, seed, progress)

    summary = sweep(plan_of(faces), train=on, out=tmp_path / "study").summary
    assert len(trained) == 4 * (2 + 2 + 1)
    assert summary == remembered[0]


def test_another_plan_is_refused_where_one_is_kept(faces, remembered):
    _, out = remembered
    with pytest.raises(PlanMismatch, match="non_members was 40, now 30"):
        sweep(plan_of(faces, non_members=30), train=train_rememberer, out=out)
    with pytest.raises(PlanMismatch, match="sweep was"):
        sweep(plan_of(faces, sweep=SWEEPS[:1]), train=train_rememberer, out=out)


def test_other_options_that_decide_who_is_drawn_are_refused(faces, remembered):
    options = Options(duplicates=0.9)
    with pytest.raises(PlanMismatch, match="options was"):
        sweep(plan_of(faces), train=train_rememberer, out=remembered[1], options=options)


def test_a_folder_of_something_else_is_refused(faces, tmp_path):
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="no run of `spolia study`"):
        sweep(plan_of(faces), train=train_rememberer, out=tmp_path)


def people_of_study(out):
    opened = open_precomputed(out / "embeddings" / "source")
    records = prepare("source", opened.embeddings, opened.model, fingerprint="")
    return people_in(records, 0.998, Kept(out / "duplicates", Options()))


def test_what_is_trained_on_is_never_asked_with(faces, remembered):
    plan, out = plan_of(faces), remembered[1]
    people = people_of_study(out)
    assert len(people.photos) == 64
    for number in range(1, 5):
        drawn = draw(people, plan.sweeps[1], plan, number)
        setting = plan.sweeps[1].at(20)
        trained = drawn.trained(setting)
        asked = {i for one in (*drawn.members, *drawn.others) for i in one[: drawn.asked].tolist()}
        assert asked.isdisjoint(trained.tolist())
        who = people.records.identity
        assert {*who[trained].tolist()}.isdisjoint({int(who[one[0]]) for one in drawn.others})
        counts = np.bincount(who[trained])
        assert counts[who[drawn.members[0][0]]] == 2 * 20
        assert sorted(counts[counts > 0])[-2] == 2


def test_people_stay_the_same_from_value_to_value(faces, remembered):
    plan, out = plan_of(faces), remembered[1]
    people = people_of_study(out)
    drawn = draw(people, plan.sweeps[0], plan, 1)
    few, many = (drawn.trained(plan.sweeps[0].at(value)) for value in (4, 20))
    assert many[: few.size].tolist() == few.tolist()


def test_too_few_people_are_counted(faces):
    sweeps = [{"vary": "photos", "values": [1, PHOTOS], "identities": 10}]
    with pytest.raises(UsageError, match=r"50 people with 6 different photos each .* only 0"):
        sweep(plan_of(faces, sweep=sweeps), train=train_rememberer)


def test_a_set_without_people_is_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((9, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(UsageError, match="needs to know who is on which image"):
        sweep(plan_of(tmp_path / "rows.npy"), train=train_rememberer)


def test_a_judge_of_photos_is_refused_unless_allowed(faces):
    with pytest.raises(UsageError, match="must tell persons apart"):
        sweep(plan_of(faces, any_judge=False), train=train_rememberer)


def test_embeddings_cannot_be_trained_on(faces):
    with pytest.raises(UsageError, match="a study trains models, and needs images"):
        sweep(plan_of(faces, embedder="precomputed"), train=train_rememberer)


def test_near_duplicates_must_be_known(faces):
    with pytest.raises(UsageError, match="must know near-duplicates"):
        sweep(plan_of(faces), train=train_rememberer, options=Options(duplicates="off"))


def test_one_model_each_is_noted(faces):
    plan = plan_of(faces, models=1, sweep=SWEEPS[:1])
    summary = sweep(plan, train=train_rememberer, progress=lambda *_: None).summary
    assert any("One model for each value" in note for note in summary.notes)
    assert summary.sweeps[0].changes is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sweep": []}, "at least one"),
        ({"sweep": 3}, "at least one"),
        ({"sweep": [3]}, "sweep 1 must be a table"),
        ({"sweep": [{"vary": "foto", "values": [1]}]}, "must vary one of identities, photos"),
        ({"sweep": [{"vary": "photos"}]}, "needs values"),
        ({"sweep": [{"vary": "photos", "values": [1, 1]}]}, "different whole numbers"),
        ({"sweep": [{"vary": "photos", "values": [0]}]}, "different whole numbers"),
        ({"sweep": [{"vary": "photos", "values": [True]}]}, "different whole numbers"),
        ({"sweep": [{"vary": "photos", "values": [1], "photos": 2}]}, "must not also set it"),
        ({"sweep": [{"vary": "photos", "values": [1], "sampels": 2}]}, "did you mean samples"),
        ({"sweep": [{"vary": "photos", "values": [1], "samples": "2"}]}, "a whole number, but"),
        ({"sweep": [{"vary": "samples", "values": [1, 5]}]}, "samples must be at least 2"),
        (
            {"sweep": [{"vary": "repeated", "values": [1, 5], "identities": 1}]},
            "repeats one of at least 2 people",
        ),
        ({"source": 3}, "source must be a text"),
        ({"any_judge": "yes"}, "true or false"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"models": 0}, "models must be at least 1"),
        ({"non_members": 19}, "non_members must be at least 20"),
        ({"training": []}, "training must be a table"),
        ({"training": {"family": "ddmp"}}, "family must be one of ddpm, gan"),
        ({"training": {"side": 2}}, "side must be a whole number from 4"),
        ({"zzz": 1}, "has no 'zzz'; there is source"),
    ],
)
def test_a_wrong_plan_is_named(faces, changed, message):
    with pytest.raises(UsageError, match=message):
        plan_of(faces, **changed)


def test_a_plan_without_a_source_is_named():
    with pytest.raises(UsageError, match="must have source"):
        sweep_plan({"sweep": SWEEPS}, "plan")


def test_paths_of_a_plan_are_taken_from_where_it_lies(tmp_path):
    text = 'source = "faces"\nembedder = "face.toml"\n[[sweep]]\nvary = "photos"\nvalues = [1]\n'
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    plan = read_sweep_plan(tmp_path / "plan.toml")
    assert plan.source == str(tmp_path / "faces")
    assert plan.embedder == str(tmp_path / "face.toml")
    url = text.replace("faces", "s3://faces").replace("face.toml", "dct")
    (tmp_path / "plan.toml").write_text(url, encoding="utf-8")
    plan = read_sweep_plan(tmp_path / "plan.toml")
    assert (plan.source, plan.embedder) == ("s3://faces", "dct")


def test_a_plan_that_is_not_there_or_no_toml_is_named(tmp_path):
    with pytest.raises(UsageError, match="there is no plan"):
        read_sweep_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text("[[", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        read_sweep_plan(tmp_path / "plan.toml")


def test_a_plan_is_read_as_it_was_written(faces):
    plan = plan_of(faces)
    assert sweep_plan(tomllib.loads(plan.to_toml()), "again") == plan


def test_the_page_says_every_figure_and_no_name(remembered):
    page = render_sweep(remembered[0])
    for swept in remembered[0].sweeps:
        for point in swept.points:
            for one in (point.members, point.others):
                assert f"{one.value:.3f}<br>" in page
                assert f"{one.low:.3f} to {one.high:.3f}" in page
    assert "the repeated person" in page
    assert "person-0" not in page
    assert "<script" not in page
