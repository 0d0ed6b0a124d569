"""``spolia split`` on images: lists that a set can be read through, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import spolia
from spolia.cli.main import run


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Twelve people of four photos; one photo is twice, one is filed under two names."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(3)
    for who in range(12):
        (folder / f"p{who:02d}").mkdir()
        for number in range(4):
            coarse = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
            image = Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)
            image.save(folder / f"p{who:02d}" / f"{number}.png")
    for source, twin in (("p00/0.png", "p00/0 again.png"), ("p01/0.png", "p02/borrowed.png")):
        (folder / twin).write_bytes((folder / source).read_bytes())
    return folder


def lists(out):
    return {
        name: (out / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("train", "members", "nonmembers", "unused")
    }


def test_the_lists_are_the_set_and_keep_people_and_photos_apart(people, tmp_path, capsys):
    out = tmp_path / "split"
    assert run(["split", str(people), "--out", str(out), "--json", "--quiet"]) == 0
    said = json.loads(capsys.readouterr().out)
    parts = lists(out)
    every = sorted(name for names in parts.values() for name in names)
    assert every == sorted(str(one.relative_to(people)) for one in people.rglob("*.png"))
    inside = {name.split("/")[0] for name in parts["train"] + parts["members"]}
    assert not inside & {name.split("/")[0] for name in parts["nonmembers"]}
    assert (said["identities"], said["people"], said["photos"]) == (12, 11, 48)
    # p01 and p02 share a photo: one person, on one side.
    sides = [name for name, ids in parts.items() if any(i[:3] in ("p01", "p02") for i in ids)]
    assert {"members", "nonmembers"} - set(sides)
    twins = {"p00/0.png", "p00/0 again.png"}
    for one, other in (("train", "members"), ("train", "nonmembers")):
        assert not (twins & set(parts[one]) and twins & set(parts[other]))
    assert [part["records"] for part in said["parts"]] == [len(ids) for ids in parts.values()]
    assert json.loads((out / "split.json").read_text()) == said
    assert {one.name for one in out.iterdir()} == {
        "split.json",
        "quarantine.csv",
        *(f"{n}.txt" for n in parts),
    }
    assert all(one.stat().st_mode & 0o177 == 0 for one in out.iterdir())


def test_a_set_is_read_through_a_list(people, tmp_path):
    out = tmp_path / "split"
    assert run(["split", str(people), "--out", str(out), "--held-back", "2", "--quiet"]) == 0
    members = spolia.open_source(f"{people}@{out / 'members.txt'}")
    assert list(members.ids) == lists(out)["members"]
    assert len(set(members.identities)) * 2 == len(members)


def test_the_same_seed_gives_the_same_split_and_another_another(people, tmp_path, capsys):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert run(["split", str(people), "--out", str(tmp_path / name), "--seed", seed]) == 0
    capsys.readouterr()
    assert lists(tmp_path / "a") == lists(tmp_path / "b") != lists(tmp_path / "c")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--identities", "none"], "needs to know who is on which image"),
        (["--duplicates", "off"], "must know near-duplicates"),
        (["--share", "1.5"], "a share of members in (0, 1)"),
        (["--held-back", "9"], "hold fewer back"),
        (["--duplicates", "-0.9"], "of 1 people 0 have so many"),
    ],
)
def test_what_makes_no_split_is_refused(people, tmp_path, capsys, options, message):
    assert run(["split", str(people), "--out", str(tmp_path / "out"), "--quiet", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out" / "split.json").exists()


def test_what_cannot_be_read_is_on_no_list_and_is_counted(people, tmp_path, capsys):
    broken = tmp_path / "set"
    shutil.copytree(people, broken)
    (broken / "p03" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out = tmp_path / "out"
    asked = ["split", str(broken), "--out", str(out), "--max-bad", "0.1", "--quiet"]
    assert run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unreadable"] == 1
    assert not any("p03/1.png" in ids for ids in lists(out).values())
    assert "p03/1.png" in (out / "quarantine.csv").read_text()


def test_a_split_is_not_written_over_another(people, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert run(["split", str(people), "--out", out, "--quiet"]) == 0
    before = lists(tmp_path / "out")
    assert run(["split", str(people), "--out", out, "--seed", "5", "--quiet"]) == 2
    assert "holds a split already" in capsys.readouterr().err
    assert lists(tmp_path / "out") == before


def test_a_name_that_is_two_lines_is_refused(tmp_path, capsys):
    for who in ("a", "b"):
        (tmp_path / "set" / who).mkdir(parents=True)
        for name in ("one.png", "two\nlines.png"):
            image = np.random.default_rng(len(who + name)).integers(0, 256, (9, 9, 3))
            Image.fromarray(image.astype(np.uint8)).save(tmp_path / "set" / who / name)
    assert run(["split", str(tmp_path / "set"), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "listed one a line" in " ".join(capsys.readouterr().err.split())
