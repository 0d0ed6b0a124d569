"""The pages of the repository and what is in them: links, headings, fenced blocks, commands."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_BESIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_STOPS = {">", ">>", "2>", "<", "|", ";", "&"}
_TESTED = "<!-- tested -->\n"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    language: str
    text: str
    tested: bool
    """Marked to be run, and its output to be compared."""


def pages():
    """Every Markdown page, by its path from the root of the repository."""
    found = sorted((REPOSITORY / "docs").rglob("*.md"))
    found += [REPOSITORY / name for name in _BESIDE if (REPOSITORY / name).exists()]
    return {
        page.relative_to(REPOSITORY).as_posix(): page.read_text(encoding="utf-8") for page in found
    }


def blocks(language):
    """Every fenced block in a language."""
    return [
        Block(name, match[1], match[2], text[: match.start()].endswith(_TESTED))
        for name, text in pages().items()
        for match in _FENCE.finditer(text)
        if match[1] == language
    ]


def without_blocks(text):
    return _FENCE.sub("", text)


def links(text):
    """Targets of the links of a page that lead to no other site."""
    targets = _LINK.findall(without_blocks(text))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(text):
    """What a link can name after ``#``, as GitHub makes it from the headings."""
    slugs = set()
    for heading in _HEADING.findall(without_blocks(text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slugs.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return slugs


def commands(block):
    """Return the arguments of every ``spolia`` command of a console block, with its output."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    found = []
    for line in lines:
        if line.startswith("$ ") or not prompted:
            parts = line.removeprefix("$ ").split(" && ")
            found += [(_arguments(part), []) for part in parts]
        else:
            found[-1][1].append(line + "\n")
    return [(arguments, "".join(output)) for arguments, output in found if arguments is not None]


def _arguments(part):
    """Return what follows the word ``spolia`` up to a pipe, or None for another program."""
    words = shlex.split(part, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words or words[0].rpartition("/")[2] != "spolia":
        return None
    end = next((i for i, word in enumerate(words) if word in _STOPS), len(words))
    return words[1:end]
