"""The forms in which a report is written."""

from typing import Literal, get_args

from spolia.core.errors import UsageError
from spolia.report.html import check_profile
from spolia.report.pairs import Profile

Form = Literal["html", "summary", "md", "junit", "sarif"]
"""``html``: the page. ``summary``: one page for the public. ``md``: Markdown. ``junit``, ``sarif``:
for machines that run or scan code."""

_NAMES: dict[Form, str] = {
    "html": "report.html",
    "summary": "summary.html",
    "md": "report.md",
    "junit": "junit.xml",
    "sarif": "report.sarif",
}


_PUBLIC: tuple[Form, ...] = ("summary", "junit")
"""Forms that there are for the public alone."""

_INSIDE: tuple[Profile, ...] = ("internal", "full")


def file_name(form: Form, profile: Profile) -> str:
    """Return how the file of a report is called in a run folder.

    A file that names records or shows images never takes the name of a public one.

    >>> file_name("html", "public"), file_name("sarif", "internal")
    ('report.html', 'report-internal.sarif')
    """
    check(form, profile)
    stem, suffix = _NAMES[form].split(".")
    return _NAMES[form] if profile == "public" else f"{stem}-{profile}.{suffix}"


def every_file() -> tuple[str, ...]:
    """Return what the reports of all forms and profiles are called.

    >>> "report-full.html" in every_file(), "junit.xml" in every_file()
    (True, True)
    """
    public = [file_name(form, "public") for form in _NAMES]
    others = [(form, profile) for form in _NAMES if form not in _PUBLIC for profile in _INSIDE]
    return (*public, *(file_name(form, profile) for form, profile in others))


def check(form: str, profile: str) -> None:
    """Refuse a form or profile that there is not, or that do not go together.

    Raises
    ------
    UsageError
        If there is no such form or profile, or the form is for the public alone.
    """
    check_profile(profile)
    if form not in get_args(Form):
        raise UsageError(f"format must be one of {', '.join(get_args(Form))}, but is {form!r}")
    if form in _PUBLIC and profile != "public":
        raise UsageError(
            f"{form} is public: it names no record and shows no image; leave the profile out"
        )
