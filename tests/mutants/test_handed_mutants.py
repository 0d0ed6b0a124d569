"""Known wrong versions of an exchange; each must break a law."""

import hashlib
import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

from spolia.auditing.codes import exchange_code
from spolia.auditing.exchange import names_beside, write_exchange
from spolia.core.types import Embeddings
from spolia.store.shards import Manifest, Shard, begin_store, name_digest, write_shard
from tests.spec import handed_laws as laws


def written(one, folder, ids, whose, **manifest):
    """Write a store and the table of names as an exchange is, but from given codes."""
    rows = one.embeddings
    n = len(rows)
    said = {
        "source": "0" * 64,
        "embedder": one.model.fingerprint,
        "dim": rows.vectors.shape[1],
        "records": n,
        "shard_records": n,
        "identities": None if whose is None else name_digest(whose),
        "model": one.model,
    }
    begin_store(folder, Manifest(**{**said, **manifest}))
    write_shard(folder, 0, Shard(rows.vectors[0:n], ids, whose, ()))
    own = rows.identities or [""] * n
    lines = zip(ids, rows.ids, whose or [""] * n, own, strict=True)
    text = ["code,id,identity_code,identity", *(",".join(line) for line in lines)]
    names_beside(folder).write_text("\n".join(text))
    names_beside(folder).chmod(0o600)


def hashed(name):
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def with_plain_hashes(one, folder):
    """A hash without a key: whoever guesses a name can look it up."""
    rows = one.embeddings
    whose = None if rows.identities is None else [hashed(name) for name in rows.identities]
    written(one, folder, [hashed(name) for name in rows.ids], whose)


def with_one_key(one, folder):
    """The same key in every exchange, so that codes, and their order, can be linked."""
    rows, key = one.embeddings, b"0" * 32
    ids = [exchange_code(key, "record", name) for name in rows.ids]
    order = np.argsort(ids)
    sorted_rows = Embeddings(
        rows.vectors[order], [rows.ids[i] for i in order], [rows.identities[i] for i in order]
    )
    whose = [exchange_code(key, "identity", name) for name in sorted_rows.identities]
    written(replace(one, embeddings=sorted_rows), folder, [ids[i] for i in order], whose)


def in_the_order_of_the_set(one, folder):
    """Codes without names, but rows as they came."""
    rows = one.embeddings
    key = f"{folder.name}"
    ids = [hashlib.blake2b(f"{key}{i}".encode()).hexdigest()[:16] for i in range(len(rows))]
    whose = (
        None
        if rows.identities is None
        else [hashlib.blake2b(f"{key}{name}".encode()).hexdigest()[:16] for name in rows.identities]
    )
    written(one, folder, ids, whose)


def with_the_digest_of_the_images(one, folder):
    write_exchange(one, folder)
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source": one.fingerprint}))


def with_what_could_not_be_read(one, folder):
    write_exchange(one, folder)
    note = json.dumps([asdict(bad) for bad in one.unreadable])
    (folder / "quarantine.json").write_text(note)


def with_columns(one, folder):
    write_exchange(one, folder)
    laws.with_columns(folder, one)


def with_names_inside(one, folder):
    write_exchange(one, folder)
    shutil.copy(names_beside(folder), folder / "names.csv")


def with_a_code_for_every_photo(one, folder):
    """Photos of one person are no longer known to be of one."""
    rows = one.embeddings
    write_exchange(replace(one, embeddings=Embeddings(rows.vectors, rows.ids, rows.ids)), folder)


def with_names_for_all_to_read(one, folder):
    write_exchange(one, folder)
    names_beside(folder).chmod(0o644)


def without_what_made_it(one, folder):
    write_exchange(replace(one, model=replace(one.model, fingerprint="0" * 64)), folder)


MUTANTS = [
    (with_plain_hashes, laws.law_nothing_in_the_folder_names_anybody),
    (with_plain_hashes, laws.law_codes_are_new_in_every_exchange),
    (with_one_key, laws.law_codes_are_new_in_every_exchange),
    (with_one_key, laws.law_the_order_of_rows_says_nothing),
    (in_the_order_of_the_set, laws.law_the_order_of_rows_says_nothing),
    (with_the_digest_of_the_images, laws.law_nothing_in_the_folder_names_anybody),
    (with_what_could_not_be_read, laws.law_nothing_in_the_folder_names_anybody),
    (with_columns, laws.law_nothing_in_the_folder_names_anybody),
    (with_names_inside, laws.law_nothing_in_the_folder_names_anybody),
    (with_a_code_for_every_photo, laws.law_rows_and_who_belongs_together_survive),
    (with_names_for_all_to_read, laws.law_only_the_owner_reads_the_names),
    (without_what_made_it, laws.law_what_made_the_rows_is_said),
]


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=lambda one: one.__name__)
def test_a_law_kills_the_mutant(mutant, law, tmp_path):
    with pytest.raises(AssertionError):
        law(mutant, tmp_path)
