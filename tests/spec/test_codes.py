"""A public page names records by codes that only the holder of the run can look up."""

import stat

import spolia
from spolia.auditing.codes import FILE, keep_key, read_key
from spolia.auditing.result import load_result
from spolia.report.pairs import code
from tests.planted import planted


def test_a_code_is_the_same_with_the_same_key_and_no_other(tmp_path):
    one, other = keep_key(tmp_path / "one"), keep_key(tmp_path / "other")
    assert code(one, "train", "ann/1.png") == code(one, "train", "ann/1.png")
    assert code(one, "train", "ann/1.png") != code(other, "train", "ann/1.png")
    assert code(one, "train", "ann/1.png") != code(one, "synthetic", "ann/1.png")
    assert code(one, "a", "bc") != code(one, "ab", "c")


def test_the_key_of_a_run_is_kept_and_its_owners_alone(tmp_path):
    key = keep_key(tmp_path)
    assert len(key) == 32
    assert (keep_key(tmp_path), read_key(tmp_path)) == (key, key)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_key_that_is_gone_or_broken_is_no_key(tmp_path):
    assert read_key(tmp_path) is None
    (tmp_path / FILE).write_text("no key")
    assert read_key(tmp_path) is None


def test_the_public_page_has_codes_and_no_ids_and_the_internal_page_has_both(tmp_path):
    spolia.audit(**planted(seed=3).sets(), out=tmp_path / "run")
    result = load_result(tmp_path / "run")
    first = result.findings.slice(0, 1).to_pylist()[0]
    named = {"synthetic": first["query"], "train": first["reference"]}
    codes = [code(result.key, role, name) for role, name in named.items()]
    public, internal = result.to_html(), result.to_html("internal")
    assert all(one in public for one in codes)
    assert all(one in internal for one in codes)
    assert f">{first['query']}<" in internal
    assert f">{first['query']}<" not in public


def test_a_code_does_not_follow_from_the_id_alone(tmp_path):
    """Two runs of one audit have other codes for the same record."""
    pages = []
    for name in ("one", "other"):
        spolia.audit(**planted(seed=3).sets(), out=tmp_path / name)
        result = load_result(tmp_path / name)
        pages.append(code(result.key, "train", result.findings["reference"][0].as_py()))
    assert pages[0] != pages[1]
