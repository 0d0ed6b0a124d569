"""Laws of rows, embeddings and seeds: what is accepted, and what a refusal says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spolia
from spolia.core.errors import InvalidRows, UsageError
from spolia.core.rows import SubsetRows
from spolia.core.seeds import digest_key, stream
from spolia.core.types import NORM_TOLERANCE, check_rows, row_norms
from tests.spec.row_laws import (
    norms_at_the_tolerance_are_judged_exactly,
    norms_far_from_one_are_refused,
)

UNIT = np.eye(4, dtype=np.float32)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 0.0]], r"must be a matrix .* but is a list"),
        (np.float32([1.0, 0.0]), r"has shape \(2,\)"),
        (np.eye(2), "must be float32, but is float64"),
        (np.empty((3, 0), np.float32), "at least one column"),
        (np.ma.masked_array(UNIT, UNIT > 0), "must be a plain array, but is a MaskedArray"),
        (UNIT * np.float32(2), r"row 0 has norm 2\.0000 \(4 bad rows of 4\)"),
        (np.float32([[1, 0], [np.nan, 1]]), r"row 1 has a NaN or infinite value \(1 bad row of 2"),
        (np.float32([[0, 1], [np.inf, 0]]), "row 1 has a NaN or infinite value"),
        (np.float32([[1e-40, 0]]), r"row 0 has norm 0\.0000"),
    ],
    ids=["list", "vector", "float64", "no columns", "masked", "norm 2", "nan", "inf", "denormal"],
)
def test_bad_rows_are_refused_by_name(rows, message):
    with pytest.raises(InvalidRows, match=message) as caught:
        check_rows(rows, "base")
    assert str(caught.value).startswith("base must")


def test_a_bad_row_is_named_wherever_it_stands():
    rows = np.tile(UNIT, (5000, 1))
    rows[17123] = 0.6
    with pytest.raises(InvalidRows, match=r"row 17123 .* \(1 bad row of 20000\)"):
        check_rows(rows, "query")


@pytest.mark.parametrize("off", [-1, 1])
def test_norms_are_accepted_up_to_the_tolerance(off):
    inside, outside = (np.float32([[1.0 + off * share * NORM_TOLERANCE]]) for share in (0.99, 1.01))
    check_rows(inside, "x")
    with pytest.raises(InvalidRows, match="unit rows"):
        check_rows(outside, "x")


@pytest.mark.parametrize(
    "law", [norms_at_the_tolerance_are_judged_exactly, norms_far_from_one_are_refused]
)
def test_a_norm_is_judged_whatever_its_size_and_width(law):
    assert law(lambda rows: check_rows(rows, "x")) is None


@pytest.mark.parametrize("d", [1, 3, 600])
def test_the_first_bad_row_is_named_among_zero_and_doubtful_rows(d):
    rows = spolia.normalise(np.random.default_rng(0).normal(size=(4000, d)))
    rows[::3] = 0.0
    rows[1::7] *= np.float32(1.00009)
    check_rows(rows, "x")
    rows[2345:2347] = 2.0 / np.sqrt(d)
    rows[3999] = np.nan
    with pytest.raises(InvalidRows, match=r"row 2345 has norm 2\.0000 \(3 bad rows of 4000\)"):
        check_rows(rows, "x")


def test_zero_rows_and_empty_matrices_are_legal():
    check_rows(np.zeros((3, 2), np.float32), "x")
    check_rows(np.empty((0, 2), np.float32), "x")
    assert row_norms(np.float32([[1e-45, 0.0]]))[0] > 0.0


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6), st.sampled_from([1.0, 1e-300]))
def test_normalised_rows_are_unit_or_zero_whatever_their_size(row, scale):
    vectors = np.array([row]) * scale
    rows = spolia.normalise(vectors)
    check_rows(rows, "x")
    assert (row_norms(rows)[0] == 0.0) == (not vectors.any())


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([1.0, 2.0], "must be a matrix"),
        ([[1, 2]], "of floats, but are int64"),
        ([[1.0, np.nan], [0.0, 1.0]], r"row 0 has a NaN or infinite value \(1 of 2\)"),
    ],
)
def test_what_cannot_be_normalised_is_named(vectors, message):
    with pytest.raises(InvalidRows, match=message):
        spolia.normalise(vectors)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"ids": ["a"]}, "ids must name each of the 4 rows, but 1 are given"),
        ({"identities": ["a"] * 5}, "identities must name each of the 4 rows, but 5"),
        ({"ids": ["a", "b", "a", "c"]}, "ids must be distinct, but 'a' is given 2 times"),
        ({"ids": ["a", "b", "c", "\udc80"]}, "valid Unicode"),
    ],
)
def test_names_that_do_not_fit_are_refused(names, message):
    with pytest.raises(UsageError, match=message):
        spolia.Embeddings(UNIT, **names)


def test_a_record_without_an_identity_is_its_own():
    assert spolia.Embeddings(UNIT).identity_of == ("0", "1", "2", "3")
    assert spolia.Embeddings(UNIT, identities=list("aabb")).identity_of == ("a", "a", "b", "b")


def test_a_subset_reads_like_the_rows_it_names():
    index = np.array([3, 0, 0, 2])
    rows = SubsetRows(UNIT, index)
    np.testing.assert_array_equal(rows[1:4], UNIT[index][1:4])
    np.testing.assert_array_equal(rows[np.array([2, 0])], UNIT[index][[2, 0]])
    assert (rows.shape, rows.dtype) == ((4, 4), np.float32)


def test_streams_differ_by_seed_and_name_and_by_nothing_else():
    draws = {
        (seed, name): stream(seed, "sample", name).random(4).tobytes()
        for seed in (0, 1)
        for name in ("0", "1", "10")
    }
    assert len(set(draws.values())) == 6
    assert stream(0, "sample", "10").random(4).tobytes() == draws[0, "10"]
    assert digest_key(0, "\udc80") != digest_key(0, "\udc81")
