"""Embeddings that are handed on keep their laws, and a search in them gives the same answer."""

import csv
import shutil
from functools import partial

import numpy as np
import pytest
from PIL import Image

import spolia
from spolia.auditing.embed import embed_source
from spolia.auditing.exchange import names_beside, write_exchange
from spolia.core.errors import UsageError
from spolia.sources import open_source
from spolia.store.precomputed import UNKNOWN_MODEL, Opened, keep_embeddings, open_precomputed
from tests.judges import Pixels, images
from tests.spec import handed_laws as laws

LAWS = [value for name, value in vars(laws).items() if name.startswith("law_")]


class Faces(Pixels):
    """The same judge, which says that it tells persons."""

    kind = "identity"


class Other(Faces):
    """The same judge with other weights."""

    fingerprint = "others"


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.__name__)
def test_law_holds(law, tmp_path):
    assert law(write_exchange, tmp_path) is None


def test_a_set_of_several_shards_is_written_whole(tmp_path):
    write = partial(write_exchange, shard_records=16)
    assert laws.law_rows_and_who_belongs_together_survive(write, tmp_path) is None
    assert len(list((tmp_path / "handed/img_emb").iterdir())) == 3


def test_what_was_written_is_counted(tmp_path):
    done = write_exchange(laws.opened(), tmp_path / "handed")
    assert (done.records, done.identities) == (40, 20)
    assert (done.folder, done.names) == (tmp_path / "handed", tmp_path / "handed.names.csv")
    assert write_exchange(laws.opened(people=False), tmp_path / "other").identities is None
    (first, *_) = laws.table_of(tmp_path / "other")
    assert (first["identity_code"], first["identity"]) == ("", "")


def test_a_name_that_a_spreadsheet_would_run_is_kept_from_it(tmp_path):
    rows = spolia.Embeddings(np.eye(2, dtype=np.float32), ["=1+1.png", 'a,"b"\r\nc.png'])
    write_exchange(Opened(rows, laws.MODEL, ""), tmp_path / "handed")
    assert {row["id"] for row in laws.table_of(tmp_path / "handed")} == {
        "'=1+1.png",
        'a,"b"\r\nc.png',
    }


def test_a_place_that_is_taken_is_refused_and_so_are_rows_of_unknown_making(tmp_path):
    write_exchange(laws.opened(), tmp_path / "handed")
    with pytest.raises(UsageError, match="handed is there; choose another --out"):
        write_exchange(laws.opened(), tmp_path / "handed")
    shutil.rmtree(tmp_path / "handed")
    with pytest.raises(UsageError, match=r"handed\.names\.csv is there"):
        write_exchange(laws.opened(), tmp_path / "handed")
    unknown = Opened(laws.opened().embeddings, UNKNOWN_MODEL, "")
    with pytest.raises(UsageError, match="must know what made the rows"):
        write_exchange(unknown, tmp_path / "unknown")
    nothing = Opened(spolia.Embeddings(np.empty((0, 4), dtype=np.float32)), laws.MODEL, "")
    with pytest.raises(UsageError, match="none of these could be read"):
        write_exchange(nothing, tmp_path / "nothing")
    assert {one.name for one in tmp_path.iterdir()} == {"handed.names.csv"}


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    class Broken:
        shape, dtype = (40, 16), np.dtype(np.float32)

        def __init__(self, rows):
            self.rows, self.reads = rows, 0

        def __getitem__(self, key):
            self.reads += 1
            if self.reads > 3:
                raise OSError("the disk is gone")
            return self.rows[key]

    one = laws.opened()
    rows = Broken(one.embeddings.vectors)
    embeddings = spolia.Embeddings(rows, one.embeddings.ids, one.embeddings.identities)
    rows.reads = 3
    with pytest.raises(OSError, match="the disk is gone"):
        write_exchange(Opened(embeddings, laws.MODEL, ""), tmp_path / "handed")
    assert list(tmp_path.iterdir()) == []


# From images, through an exchange, to the same answer.


def write(folder, rng, n, each):
    for person in range(n):
        (folder / f"{folder.name}{person}").mkdir(parents=True)
        for number, picture in enumerate(images(rng, each)):
            Image.fromarray(picture).save(folder / f"{folder.name}{person}" / f"{number}.png")
    return folder


@pytest.fixture
def sets(tmp_path):
    """Samples that copy photos of two customers, customers with up to four photos, others."""
    rng = np.random.default_rng(0)
    found = {
        "within": write(tmp_path / "s", rng, 60, 1),
        "people": write(tmp_path / "q", rng, 6, 4),
        "nonmembers": write(tmp_path / "n", rng, 40, 3),
    }
    for person in range(6):
        for number in range(person % 3):
            (tmp_path / f"q/q{person}/{number}.png").unlink()
    for person in range(2):
        shutil.copy(tmp_path / f"q/q{person}/3.png", tmp_path / f"s/s{person}/0.png")
    return found


def handed(source, folder, judge):
    embed_source(open_source(source), judge, folder / "store")
    return write_exchange(open_precomputed(folder / "store"), folder / "handed")


def test_a_search_through_an_exchange_gives_the_same_p_bit_for_bit(sets, tmp_path):
    plain = spolia.search_for(**sets, embedder=Faces())
    assert min(plain.people["p"].to_pylist()) < 0.1
    assert set(plain.people["compared"].to_pylist()) == {2, 3}
    done = {role: handed(one, tmp_path / f"x{role}", Faces()) for role, one in sets.items()}
    for roles in (["people"], ["nonmembers"], ["people", "nonmembers"], list(sets)):
        mixed = sets | {role: done[role].folder for role in roles}
        embedder = None if len(roles) == 3 else Faces()
        found = spolia.search_for(**mixed, embedder=embedder)
        names = {one: one for one in plain.people["identity"].to_pylist()}
        if "people" in roles:
            with done["people"].names.open(newline="") as file:
                names = {row["identity_code"]: row["identity"] for row in csv.DictReader(file)}
        for column in ("score", "p", "q", "photos", "compared", "beside", "similarity"):
            by_name = dict(
                zip(
                    (names[one] for one in found.people["identity"].to_pylist()),
                    found.people[column].to_pylist(),
                    strict=True,
                )
            )
            assert [by_name[one] for one in plain.people["identity"].to_pylist()] == (
                plain.people[column].to_pylist()
            )


def test_identity_reads_an_exchange_beside_images(sets, tmp_path):
    done = handed(sets["people"], tmp_path / "x", Faces())
    rest = {"synthetic": sets["within"], "nonmembers": sets["nonmembers"], "embedder": Faces()}
    plain = spolia.identity(queries=sets["people"], **rest)
    found = spolia.identity(queries=done.folder, **rest)
    assert sorted(found.named["p"].to_pylist()) == sorted(plain.named["p"].to_pylist())
    assert found.summary.queries == plain.summary.queries


def test_rows_by_another_network_are_refused_before_anything_is_embedded(sets, tmp_path):
    class Unused(Faces):
        def embed(self, image):
            raise AssertionError(f"{image.shape} embedded before it was refused")

    done = handed(sets["people"], tmp_path / "x", Other())
    with pytest.raises(UsageError) as error:
        spolia.search_for(
            people=done.folder,
            within=sets["within"],
            nonmembers=sets["nonmembers"],
            embedder=Unused(),
        )
    said = str(error.value)
    assert "synthetic was made by pixels (pixels-0) and queries by pixels (others)" in said
    with pytest.raises(UsageError, match="queries by pixels"):
        spolia.identity(
            synthetic=sets["within"],
            queries=done.folder,
            nonmembers=sets["nonmembers"],
            embedder=Faces(),
        )


def test_an_audit_takes_no_exchange_for_images(sets, tmp_path):
    done = handed(sets["people"], tmp_path / "x", Faces())
    with pytest.raises(UsageError, match="a folder with images is wanted"):
        spolia.audit(train=done.folder, synthetic=sets["within"], embedder=Faces())


def test_embeddings_in_memory_can_be_handed_on_through_a_store(tmp_path):
    kept = keep_embeddings(tmp_path / "kept", laws.opened().embeddings)
    with pytest.raises(UsageError, match="must know what made the rows"):
        write_exchange(kept, tmp_path / "handed")
    assert not names_beside(tmp_path / "handed").exists()
