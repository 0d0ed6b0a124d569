"""The docs say what the code does: links lead somewhere, commands parse, examples run."""

import contextlib
import doctest
import importlib
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import typer

from spolia.auditing.sweep_plan import KNOBS, read_sweep_plan, sweep_plan
from spolia.cli.main import app, run
from spolia.core.results import EXIT_CODES, Kind, Outcome
from spolia.embedding import load_card
from spolia.embedding.face_cards import load_attribute_card, load_detector_card
from tests.docs.pages import REPOSITORY, anchors, blocks, commands, links, pages

PAGES = pages()
PROGRAM = typer.main.get_command(app)
UNREADABLE_KEY = "spolia.unreadable"
"""Names a key in a store's metadata and nothing of the code."""
DEMO = ["demo", "--out", "demo", "--quiet"]
"""What most examples begin with."""
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

COMMANDS = [
    pytest.param(arguments, id=f"{block.page}: {' '.join(arguments)}")
    for block in blocks("console")
    for arguments, _ in commands(block)
]
TESTED = [pytest.param(block, id=block.page) for block in blocks("console") if block.tested]
PYTHON = [
    pytest.param(block, id=f"{block.page} {number}")
    for number, block in enumerate(blocks("python"))
]


def leaf_of(arguments):
    """Return the command that arguments lead to, and the arguments left for it."""
    command, left = PROGRAM, list(arguments)
    while left and hasattr(command, "commands") and not left[0].startswith("-"):
        assert left[0] in command.commands, f"there is no command {left[0]!r}"
        command = command.commands[left.pop(0)]
    return command, left


def options_of(command):
    own = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    below = getattr(command, "commands", {}).values()
    return own.union({"--help"}, *(options_of(one) for one in below))


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_somewhere(name):
    here = (REPOSITORY / name).parent
    dead = []
    for target in links(PAGES[name]):
        path, _, anchor = target.partition("#")
        page = (here / path).resolve() if path else REPOSITORY / name
        if not page.exists() or (anchor and anchor not in anchors(page.read_text("utf-8"))):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("arguments", COMMANDS)
def test_every_command_shown_is_one_that_spolia_takes(arguments):
    command, left = leaf_of(arguments)
    if set(left) & {"--help", "-h", "--version"}:
        assert set(left) <= options_of(command)
        return
    context = command.make_context(command.name, left)  # parses, and runs nothing
    assert context.params


@pytest.mark.parametrize("name", PAGES)
def test_every_option_named_in_the_text_exists(name):
    ours = re.findall(r"`((?:--|spolia )[^`\n]+)`", PAGES[name])
    named = {one for text in ours for one in re.findall(r"--[a-z][a-z-]*", text)}
    assert named <= options_of(PROGRAM)


@pytest.mark.parametrize("block", TESTED)
def test_the_output_shown_is_the_output(block, tmp_path, demo, capsys):
    with contextlib.chdir(tmp_path):
        for arguments, shown in commands(block):
            if arguments == DEMO:
                shutil.copytree(demo.folder, "demo")
                said = demo.said
            else:
                run(arguments)
                said = capsys.readouterr().out
            said = said.replace("\u00a0", " ")
            assert doctest.OutputChecker().check_output(shown, said, LENIENT), said


@pytest.mark.parametrize("block", PYTHON)
def test_every_python_example_runs(block, tmp_path):
    with contextlib.chdir(tmp_path):
        if ">>>" not in block.text:
            # The examples are our own pages.
            exec(compile(block.text, block.page, "exec"), {"__name__": "example"})
            return
        example = doctest.DocTestParser().get_doctest(block.text, {}, block.page, block.page, 0)
        runner = doctest.DocTestRunner(optionflags=LENIENT)
        runner.run(example)
        assert runner.summarize(verbose=False).failed == 0


def test_there_are_commands_and_examples_to_test():
    assert len(COMMANDS) > 5
    assert TESTED
    assert PYTHON


# Records of decisions may name what was decided against.
@pytest.mark.parametrize("name", [name for name in PAGES if "/adr/" not in name])
def test_every_name_of_the_code_exists(name):
    missing = []
    for dotted in set(re.findall(r"`(spolia(?:\.\w+)+)`", PAGES[name])) - {UNREADABLE_KEY}:
        module, _, last = dotted.rpartition(".")
        try:
            importlib.import_module(dotted)
        except ImportError:
            if not hasattr(importlib.import_module(module), last):
                missing.append(dotted)
    assert missing == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_this_machine(name):
    own = {REPOSITORY, REPOSITORY.parent, Path.home(), Path(sys.prefix), Path(sys.prefix).parent}
    for path in own - {Path("/"), Path("/usr")}:
        assert not re.search(rf"(?<![\w./~-]){re.escape(str(path))}(?![\w-])", PAGES[name])


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("docs/")])
def test_no_result_is_called_what_no_test_can_show(name):
    # Spelt in halves, because a search for these words should find no promise of ours.
    for promise in ("anony" + "mous", "compli" + "ant", "privacy-" + "preserving"):
        assert promise not in PAGES[name].lower()


def test_the_glossary_has_the_words_of_the_code():
    words = anchors(PAGES["docs/glossary.md"])
    wanted = (
        "train control synthetic record identity source embedder card store similarity pair "
        "match join finding rate lean negative-control verdict outcome plan run quarantine report"
    )
    assert set(wanted.split()) <= words
    for value in (*get_args(Outcome), *get_args(Kind)):
        assert f"`{value}`" in PAGES["docs/glossary.md"]


@pytest.mark.parametrize("name", ["mobilefacenet_ms1m_112", "yunet_n"])
def test_the_card_in_the_docs_is_the_card_of_the_tests(name):
    page = [block.text for block in blocks("toml") if block.page == "docs/howto/cards.md"]
    card = REPOSITORY / "tests" / "cards" / f"{name}.toml"
    assert tomllib.loads(card.read_text(encoding="utf-8")) in map(tomllib.loads, page)


def test_every_card_in_the_docs_follows_its_schema(tmp_path):
    loads = {"detector": load_detector_card, "attribute": load_attribute_card}
    for block in blocks("toml"):
        if block.page == "docs/howto/cards.md":
            path = tmp_path / "card.toml"
            path.write_text(block.text, encoding="utf-8")
            load = loads.get(tomllib.loads(block.text)["kind"], load_card)
            assert load(path).licence


def test_the_plan_of_a_study_in_the_docs_is_one():
    (page,) = (block.text for block in blocks("toml") if block.page == "docs/howto/sweep.md")
    plan = sweep_plan(tomllib.loads(page), "docs")
    assert [len(one.values) for one in plan.sweeps] == [5, 4]
    table = PAGES["docs/howto/sweep.md"]
    for knob in KNOBS:
        usual = getattr(plan.sweeps[0 if knob != "identities" else 1].setting, knob)
        if knob not in ("identities", "photos"):
            assert re.search(rf"^\| `{knob}` \|.*\| {usual:,} \|$", table, re.MULTILINE)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "benchmarks" / "studies").glob("*.toml")))
def test_the_plan_of_every_study_is_one(path):
    plan = read_sweep_plan(path)
    assert plan.models >= 2
    assert Path(plan.embedder).is_file()


@pytest.mark.parametrize("name", ["docs/methods/verdict.md", "docs/howto/audit.md"])
def test_every_outcome_stands_beside_its_exit_code(name):
    for outcome, code in EXIT_CODES.items():
        assert re.search(rf"^\|.*`{outcome}`.*\| {code} \|", PAGES[name], re.MULTILINE)


def test_every_decision_is_listed():
    folder = REPOSITORY / "docs" / "adr"
    records = {path.name for path in folder.glob("[0-9]*.md")}
    assert records == set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", PAGES["docs/adr/README.md"]))
    for name in records:
        heads = re.findall(r"^## (.+)$", PAGES[f"docs/adr/{name}"], re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences", "What would change our mind"]
