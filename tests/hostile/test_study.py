"""Names of sets and judges that try to break out of the folder, the page or the terminal."""

from dataclasses import replace

import pytest

import spolia
from spolia.auditing.study_plan import places
from spolia.core.study import Agreement, NamedBy
from spolia.report.format import visible
from spolia.report.study import render_study
from spolia.report.study_json import study_from_json, study_to_json
from tests.hostile.test_report import NAMES, Tags
from tests.judges import Blind, Pixels, write_study

every_name = pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    sets = write_study(tmp_path_factory.mktemp("sets"), size=60, leaks=50, clean=10)
    return spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={"harmless": sets["leaky"]},
        embedders=[Pixels(), Blind()],
    )


def page_with(result, name):
    (one,), summary = result.summary.sets, result.summary
    both = replace(
        one.together,
        named_by=(NamedBy((name,), 3),),
        agreement=(Agreement(name, name, 0, 3, 0, None), one.together.agreement[0]),
    )
    cells = tuple(replace(cell, judge=name, sentence=name) for cell in one.cells)
    one = replace(one, name=name, sentence=name, cells=cells, together=both)
    model = replace(summary.judges[0].model, name=name, licence=name, trained_on=(name,))
    judges = tuple(replace(judge, name=name, model=model) for judge in summary.judges)
    row = {"identity": name, "judge": name, "named": True, "score": None, "p": 1.0, "q": 1.0}
    spoilt = replace(summary, sentence=name, notes=(name,), judges=judges, sets=(one,))
    assert study_from_json(study_to_json(spoilt)) == spoilt
    return render_study(spoilt, {name: [row] * 300}, profile="internal")


@every_name
def test_no_name_adds_a_tag_or_an_attribute(result, name):
    assert Tags(page_with(result, name)).seen == Tags(page_with(result, "harmless")).seen


@every_name
def test_no_character_that_cannot_be_seen_reaches_the_page(result, name):
    page = page_with(result, name)
    assert visible(page.replace("\n", "")) == page.replace("\n", "")
    assert page.encode("utf-8").decode("utf-8") == page


def test_a_page_says_how_much_of_a_list_it_leaves_out(result):
    assert "200 of 300 rows" in page_with(result, "harmless")


@every_name
def test_no_name_leads_out_of_the_folder(name):
    (one,) = places([name], ["x"])
    assert one.folder.isascii()
    assert not set(one.folder) & set('/\\:*?"<>| \n\r\0')
    assert one.folder.strip(".")
    assert len(one.folder) <= 60
    one.name.encode("utf-8")


def test_sets_of_hostile_names_are_audited_and_read_again(tmp_path):
    from spolia.auditing.study_verify import verify_study

    sets = write_study(tmp_path / "sets", size=60, leaks=50, clean=10)
    out = tmp_path / "run"
    done = spolia.study(
        train=sets["train"],
        control=sets["control"],
        synthetic={
            "../../up": sets["leaky"],
            "<b>\x1b[31m": sets["clean"],
            "\udc80": sets["leaky"],
        },
        out=out,
    )
    assert verify_study(out).audits == 3
    assert {one.name for one in tmp_path.iterdir()} == {"sets", "run"}
    assert "<b>" not in done.to_html()
    assert "\x1b" not in done.to_html()


def test_a_hostile_name_does_not_reach_the_terminal(tmp_path, capsys, monkeypatch):
    from spolia.cli.main import run

    sets = write_study(tmp_path, size=60, leaks=50, clean=10)
    names = ["[red]x[bold]\x1b[31m.npy", "two\u202e.npy"]
    for name in names:
        (tmp_path / name).write_bytes(sets["clean"].read_bytes())
    monkeypatch.chdir(tmp_path)
    run(["audit", "train.npy", *names, "--control", "control.npy", "--out", "run"])
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "[red]x[bold]" in shown.out
