"""Laws of the kinds in a whole audit of images: null first, then planted truth."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spolia
from spolia.auditing.comparisons import FILE
from spolia.auditing.result import load_result
from spolia.auditing.verify import verify
from spolia.core.errors import RunIncomplete, VerificationFailed
from spolia.report import to_json
from tests.pictures import brighter, overprinted, picture
from tests.planted import planted

COPIES, MIRRORED, EDITED, CLEAN = 12, 12, 12, 30
COPIED = COPIES + MIRRORED + EDITED


def write(folder, role, images):
    places = {"train": "train.npy", "control": "control.npy", "synthetic": "synthetic.npy"}
    np.save(folder / places[role], np.stack(images))
    return folder / places[role]


def sides(n=80):
    train = [picture(i, 32) for i in range(n)]
    return train, [picture(10_000 + i, 32) for i in range(n)]


def synthetic_of(train):
    """Copies, mirrored copies and overprinted copies of training images, and others."""
    images = train[:COPIES]
    images += [one[:, ::-1] for one in train[COPIES : COPIES + MIRRORED]]
    images += [edited(i, one) for i, one in enumerate(train[COPIES + MIRRORED : COPIED])]
    return images + [picture(20_000 + i, 32) for i in range(CLEAN)]


def edited(i, image):
    return brighter(image) if i % 2 else overprinted(image)


def truth(query):
    number = int(query)
    return "photo copy" if number < COPIES + MIRRORED else "near duplicate"


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    train, control = sides()
    images = {"train": train, "control": control, "synthetic": synthetic_of(train)}
    return {role: write(folder, role, some) for role, some in images.items()}


@pytest.fixture(scope="module")
def run(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return out, spolia.audit(**sets, out=out)


def kinds_of(result):
    return {row["query"]: row["kind"] for row in result.findings.to_pylist()}


def test_planted_kinds_are_told_apart(run):
    told = kinds_of(run[1])
    assert len(told) >= COPIES + MIRRORED
    wrong = {query: kind for query, kind in told.items() if kind != truth(query)}
    assert wrong == {}


def test_the_counts_are_those_of_the_findings_and_identities(run):
    summary = run[1].summary
    told = list(kinds_of(run[1]).values())
    counted = {one.kind: one.findings for one in summary.kinds.counts}
    assert counted == {kind: told.count(kind) for kind in counted}
    assert sum(counted.values()) == summary.kinds.findings == run[1].findings.num_rows
    assert sum(one.identities.count for one in summary.kinds.counts) == summary.exposed.train.count
    assert all(one.identities.n == summary.exposed.train.count for one in summary.kinds.counts)
    assert summary.kinds.compared == summary.kinds.findings
    assert summary.kinds.control_pairs.count == 0
    assert summary.kinds.control_pairs.n == len(told) + CLEAN + COPIED - len(told)
    assert summary.kinds.look_alikes is None


def variant(motif, rng):
    """Another shot of the same thing."""
    return np.clip(picture(motif, 32) + rng.normal(0, 10, (32, 32, 1)), 0, 255).astype(np.uint8)


def write_people(folder, *, known):
    """Write other shots of what is in train as the synthetic set; two shots of each in control."""
    rng = np.random.default_rng(0)
    places = {}
    for role, motifs, shots in (
        ("train", range(60), 1),
        ("control", range(100, 160), 2),
        ("synthetic", range(60), 1),
    ):
        places[role] = folder / role
        for motif in motifs:
            for shot in range(shots):
                name = f"{motif}/{shot}.png" if known else f"{motif}_{shot}.png"
                (places[role] / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(variant(motif, rng)).save(places[role] / name)
    return places


def test_two_images_of_one_identity_are_no_copies_where_control_shows_such(tmp_path):
    """A threshold in use would call them copies, and so would control images of others."""
    result = spolia.audit(**write_people(tmp_path, known=True), out=tmp_path / "run")
    assert result.findings.num_rows >= 50
    agreed = pq.read_table(tmp_path / "run" / FILE).to_pylist()
    assert max(one["l2"] for one in agreed if one["group"] == "finding") < 0.15
    assert sum(one["group"] == "control identity" for one in agreed) == 60
    assert set(kinds_of(result).values()) == {"unresolved"}


def test_where_control_does_not_show_such_they_are_near_duplicates_at_least(tmp_path):
    result = spolia.audit(**write_people(tmp_path, known=False))
    assert "unresolved" not in kinds_of(result).values()


def test_without_findings_nothing_is_compared(tmp_path):
    train, control = sides(30)
    others = [picture(40_000 + i, 32) for i in range(30)]
    images = {"train": train, "control": control, "synthetic": others}
    places = {role: write(tmp_path, role, some) for role, some in images.items()}
    result = spolia.audit(**places, out=tmp_path / "run")
    assert result.summary.kinds is None
    assert pq.read_table(tmp_path / "run" / FILE).num_rows == 0
    assert verify(tmp_path / "run").compared == 0


def test_kinds_do_not_depend_on_threads(sets, run):
    result = spolia.audit(**sets, options=spolia.Options(threads=1))
    assert result.findings.equals(run[1].findings)
    assert to_json(result.summary) == to_json(run[1].summary)


def test_a_run_is_read_back_with_its_kinds(run):
    result = load_result(run[0])
    assert result.summary == run[1].summary
    assert result.findings.equals(run[1].findings)


def test_verify_makes_the_kinds_again_from_the_images(run):
    assert verify(run[0]).compared == 50


def spoiled(table, name, row, value):
    column = table[name].to_pylist()
    column[row] = value
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), [column])


@pytest.fixture
def copied_run(sets, tmp_path):
    """A run of its own, whose files a test may change."""
    spolia.audit(**sets, out=tmp_path / "run")
    return tmp_path / "run"


def test_verify_notices_another_agreement(copied_run):
    table = pq.read_table(copied_run / FILE)
    found = [one == "finding" for one in table["group"].to_pylist()]
    for row in range(sum(found)):
        table = spoiled(table, "l2", row, 0.5)
    pq.write_table(table, copied_run / FILE)
    with pytest.raises(VerificationFailed, match="have l2"):
        verify(copied_run)


def test_verify_notices_other_pairs(copied_run):
    table = pq.read_table(copied_run / FILE)
    pq.write_table(table.slice(0, table.num_rows - 1), copied_run / FILE)
    with pytest.raises(VerificationFailed, match="not those"):
        verify(copied_run)


def test_verify_notices_another_kind(copied_run):
    findings = pq.read_table(copied_run / "findings.parquet")
    pq.write_table(spoiled(findings, "kind", 0, "unresolved"), copied_run / "findings.parquet")
    with pytest.raises(VerificationFailed, match="findings"):
        verify(copied_run)


def test_verify_needs_the_comparisons(copied_run):
    (copied_run / FILE).unlink()
    with pytest.raises(RunIncomplete, match="comparisons"):
        verify(copied_run)


def test_verify_holds_without_the_images(sets, tmp_path):
    moved = {role: tmp_path / place.name for role, place in sets.items()}
    for role, place in sets.items():
        moved[role].write_bytes(place.read_bytes())
    spolia.audit(**moved, out=tmp_path / "run")
    for place in moved.values():
        place.unlink()
    assert verify(tmp_path / "run").compared == 0


def test_embeddings_alone_name_no_copy():
    result = spolia.audit(**planted().sets())
    kinds = result.summary.kinds
    assert set(kinds_of(result).values()) == {"unresolved"}
    assert (kinds.compared, kinds.bars, kinds.control_pairs) == (0, None, None)
    assert "no images were compared" in _said(kinds)


def _said(kinds):
    from spolia.report.kinds import kinds_line

    return kinds_line(kinds)


def test_the_public_page_shows_counts_and_no_difference(run):
    page = run[1].to_html()
    assert "What kind of hit" in page
    assert "near duplicate or edit" in page
    assert "difference ×" not in page
    assert "<img" not in page


@pytest.mark.parametrize("profile", ["internal", "full"])
def test_copies_are_shown_with_their_difference(run, profile):
    page = run[1].to_html(profile)
    shown = run[1].findings.slice(0, 40)["kind"].to_pylist()
    assert page.count("difference × 4</figcaption>") == len(shown)
    assert "mirrored" in page
    assert page.count("<img") == 3 * len(shown)
