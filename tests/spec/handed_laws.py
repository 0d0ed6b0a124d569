"""Laws of embeddings that are handed on; a known wrong version breaks one."""

import csv
import hashlib
import itertools

import numpy as np

from spolia import Embeddings, normalise
from spolia.auditing.exchange import names_beside
from spolia.core.results import ModelSummary
from spolia.store.columns import write_columns
from spolia.store.precomputed import Opened, open_precomputed
from spolia.store.shards import Unreadable

MODEL = ModelSummary("judge", "identity", "CC0", None, "https://example.org", ("A",), "f" * 64)
FOLDER = "Ward-17-Secret-Folder"
CONTENT = b"the bytes of an image"


def opened(n=40, *, people=True, seed=0):
    """A set of a hospital: names, a digest of its images, and photos that cannot be read."""
    rng = np.random.default_rng(seed)
    rows = normalise(rng.normal(size=(n, 16)))
    ids = [f"{FOLDER}/patient-{i // 2:04d}/scan-{i:05d}.png" for i in range(n)]
    whose = [f"Patient Number {i // 2:04d}" for i in range(n)] if people else None
    digest = hashlib.blake2b(CONTENT, digest_size=32).hexdigest()
    bad = (Unreadable(f"{FOLDER}/patient-9999/broken.png", "not an image at Clinic-X"),)
    return Opened(Embeddings(rows, ids, whose), MODEL, digest, bad, {"ward": ("Oncology",) * n})


def everything(folder):
    """The bytes of all files of a folder, and the names of these."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    names = "\n".join(one.relative_to(folder).as_posix() for one in files)
    return names.encode() + b"".join(one.read_bytes() for one in files)


def telling(one):
    """Whatever would betray who or what is in a set, in the forms that it might be written."""
    rows = one.embeddings
    names = {*rows.ids, *(rows.identities or ()), *(bad.id for bad in one.unreadable)}
    names |= {part for name in rows.ids for part in name.split("/")}
    names |= {bad.reason for bad in one.unreadable} | {FOLDER, "Oncology", "Clinic-X"}
    for name in sorted(names):
        encoded = name.encode()
        yield encoded
        yield encoded.hex().encode()
        for made in (hashlib.sha256, hashlib.blake2b, hashlib.md5, hashlib.sha1):
            digest = made(encoded)
            yield digest.digest()[:8]
            yield digest.hexdigest()[:16].encode()
            yield digest.hexdigest()[:16].upper().encode()
    yield one.fingerprint[:16].encode()
    yield bytes.fromhex(one.fingerprint)[:8]


def table_of(folder):
    with names_beside(folder).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def law_nothing_in_the_folder_names_anybody(write, folder):
    for people in (True, False):
        one = opened(people=people)
        target = folder / f"handed-{people}"
        write(one, target)
        said = everything(target)
        assert [what for what in telling(one) if what in said] == []


def law_codes_are_new_in_every_exchange(write, folder):
    """And cannot be computed from names: two exchanges of one set share none."""
    one = opened()
    codes = []
    for number in range(2):
        write(one, folder / f"{number}")
        rows = open_precomputed(folder / f"{number}").embeddings
        codes.append({*rows.ids, *rows.identities})
    assert not codes[0] & codes[1]


def law_the_order_of_rows_says_nothing(write, folder):
    """Neither does it follow the names, nor is it the same in two exchanges."""
    one = opened(200)
    orders = []
    for number in range(2):
        write(one, folder / f"{number}")
        name_of = {row["code"]: row["id"] for row in table_of(folder / f"{number}")}
        rows = open_precomputed(folder / f"{number}").embeddings
        orders.append([one.embeddings.ids.index(name_of[code]) for code in rows.ids])
    for order in orders:
        rising = sum(a < b for a, b in itertools.pairwise(order))
        assert 70 <= rising <= 130
    assert orders[0] != orders[1]


def law_rows_and_who_belongs_together_survive(write, folder):
    one = opened()
    write(one, folder / "handed")
    rows = open_precomputed(folder / "handed").embeddings
    table = {row["code"]: row for row in table_of(folder / "handed")}
    assert len(table) == len(rows) == 40
    at = {name: i for i, name in enumerate(one.embeddings.ids)}
    for i, (code, whose) in enumerate(zip(rows.ids, rows.identities, strict=True)):
        row = at[table[code]["id"]]
        assert np.array_equal(rows.vectors[i : i + 1], one.embeddings.vectors[row : row + 1])
        assert table[code]["identity_code"] == whose
        assert table[code]["identity"] == one.embeddings.identities[row]
    assert len(set(rows.identities)) == 20


def law_what_made_the_rows_is_said(write, folder):
    write(opened(), folder / "handed")
    there = open_precomputed(folder / "handed")
    assert there.model == MODEL
    assert there.columns == {}
    assert there.unreadable == ()


def law_only_the_owner_reads_the_names(write, folder):
    write(opened(), folder / "handed")
    assert names_beside(folder / "handed").stat().st_mode & 0o777 == 0o600
    assert not names_beside(folder / "handed").is_relative_to(folder / "handed")
    files = [one for one in (folder / "handed").rglob("*") if one.is_file()]
    assert all(one.stat().st_mode & 0o177 == 0 for one in files)


def with_columns(folder, one):
    """Write what a set says of its records beside a store."""
    write_columns(folder, one.embeddings.ids, one.columns)
