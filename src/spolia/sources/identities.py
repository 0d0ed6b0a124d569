"""Who is on which image, read off the ids."""

import difflib
import re
from collections.abc import Callable, Collection

from spolia.core.errors import UsageError


def identities_of(ids: tuple[str, ...], rule: str) -> tuple[str, ...] | None:
    """Return the identity of each record, or None where they are unknown.

    Parameters
    ----------
    ids
        The records' names, with ``/`` between folders.
    rule
        ``none``: unknown. ``folder``: the folder of each record. ``auto``: the folder, if every
        record lies exactly one folder deep and there are at least two folders, else unknown.
        ``regex:PATTERN``: what the one group of PATTERN finds in the id.

    Raises
    ------
    UsageError
        If the rule is none of these, or does not fit a record, which is named.

    Examples
    --------
    >>> identities_of(("ann/1.png", "bob/1.png"), "auto")
    ('ann', 'bob')
    >>> identities_of(("ann_1.png", "bob_1.png"), "regex:^([a-z]+)_")
    ('ann', 'bob')
    >>> identities_of(("ann_1.png", "bob_1.png"), "auto") is None
    True
    """
    if rule.startswith("regex:"):
        return _by_regex(ids, rule.removeprefix("regex:"))
    if rule not in _RULES:
        close = difflib.get_close_matches(rule, _RULES, n=1)
        raise UsageError(
            f"identities must be one of {', '.join(_RULES)} or regex:PATTERN, but are {rule!r}"
            + (f"; did you mean {close[0]!r}?" if close else "; choose one of them")
        )
    return _RULES[rule](ids)


def labelled_identities(
    ids: tuple[str, ...], labels: tuple[str, ...] | None, rule: str
) -> tuple[str, ...] | None:
    """Return the identities of a set that says itself who is on which image.

    As `identities_of`, but ``auto`` takes ``labels`` where there are any.

    Examples
    --------
    >>> labelled_identities(("1", "2"), ("ann", "bob"), "auto")
    ('ann', 'bob')
    >>> labelled_identities(("1", "2"), ("ann", "bob"), "none") is None
    True
    """
    return labels if rule == "auto" and labels is not None else identities_of(ids, rule)


def identities_around(
    ids: tuple[str, ...],
    labels: tuple[str, ...] | None,
    rule: str,
    damaged: Collection[int],
) -> tuple[str, ...] | None:
    """Return the identities where some records are damaged: who is on them is not known.

    As `labelled_identities` for the others; each of the damaged is nobody else.

    Examples
    --------
    >>> identities_around(("ann/1.png", "bob/1.png", "@512"), None, "auto", {2})
    ('ann', 'bob', 'unreadable @512')
    """
    whole = [row for row in range(len(ids)) if row not in damaged]
    known = None if labels is None else tuple(labels[row] for row in whole)
    people = labelled_identities(tuple(ids[row] for row in whole), known, rule)
    if people is None:
        return None
    filled = [f"unreadable {name}" for name in ids]
    for row, person in zip(whole, people, strict=True):
        filled[row] = person
    return tuple(filled)


def _auto(ids: tuple[str, ...]) -> tuple[str, ...] | None:
    folders = tuple(_folder(name) for name in ids)
    one_deep = all(folder and "/" not in folder for folder in folders)
    return folders if one_deep and len(set(folders)) >= 2 else None


def _by_folder(ids: tuple[str, ...]) -> tuple[str, ...]:
    folders = tuple(_folder(name) for name in ids)
    if "" in folders:
        raise UsageError(
            "identities 'folder' need every image in a folder of its identity, but "
            f"{ids[folders.index('')]!r} lies in none; move it, or choose another rule"
        )
    return folders


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _by_regex(ids: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"identities need a regular expression, but {pattern!r} is none: {error}; correct it"
        ) from error
    if compiled.groups != 1:
        raise UsageError(
            f"identities need a regular expression with one group, but {pattern!r} has "
            f"{compiled.groups}; put (...) round the identity and (?:...) round the rest"
        )
    return tuple(_group(compiled, name) for name in ids)


def _group(compiled: re.Pattern[str], name: str) -> str:
    match = compiled.search(name)
    found: str | None = match[1] if match else None
    if found is None:
        raise UsageError(
            f"identities need every id to match {compiled.pattern!r}, but {name!r} does not; "
            "correct the pattern or take the image out"
        )
    return found


_RULES: dict[str, Callable[[tuple[str, ...]], tuple[str, ...] | None]] = {
    "auto": _auto,
    "none": lambda _: None,
    "folder": _by_folder,
}
