"""What a misspelt word may have meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the end of an error message: the nearest known word, or else what to do.

    Examples
    --------
    >>> did_you_mean("foldr", ["folder", "zip"], "choose one")
    "; did you mean 'folder'?"
    >>> did_you_mean("x", ["folder", "zip"], "choose one")
    '; choose one'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; {otherwise}"
