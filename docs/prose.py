"""Check the words of the project: `python -m docs.prose`, `make lint`.

It reads the pages, the help texts, the strings, docstrings and comments of the code, and the names of
the tests. Each rule has what to write instead; the terms are those of the glossary.
"""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer.main

from archive.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
# A sentence of a page or of a help text has so many words at most.
LONGEST_SENTENCE = 40


class Rule(NamedTuple):
    """Words that are not written, and what is written instead."""

    pattern: re.Pattern[str]
    instead: str


class Place(NamedTuple):
    """A text, and where it stands. The sentences of a page or a help text must not be long."""

    where: str
    text: str
    is_page: bool = False


def _rule(pattern: str, instead: str) -> Rule:
    return Rule(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)


TERMS = (
    _rule(r"deliver(?:y|ies|ed) (?:of|by|from|to) (?:an|the|its) appliances?|deliveries", "import"),
    _rule(r"never (?:ran|seen)", "did not run, no data"),
    _rule(r"strikes?", "consecutive failures"),
    _rule(r"(?:is|are|fell|fallen|falls) silent", "not reporting"),
    _rule(r"met rate", "schedule compliance"),
    _rule(r"out of the ordinary", "anomaly"),
    _rule(r"run log", "log of imports"),
    _rule(r"recency|staleness", "rpo, stuck"),
    _rule(r"db check|fleet check", "db verify, fleet test"),
)
STYLE = (
    _rule(
        r"heard (?:of|from|that|nothing)|was heard|not heard|nothing was heard",
        "imported, last import",
    ),
    _rule(
        r"(?:is|are|was|were|be) told(?: of| by| apart)?", "reported, shown, known, distinguished"
    ),
    _rule(r"held against", "compared with"),
    _rule(r"so as to|in order to", "to"),
    _rule(r"whoever|whatsoever|thereof|wherein|whereof|whereby|heeds?|heeded", "a plain word"),
    _rule(r"that which|of that which|those that are meant|that are meant", "the noun"),
    _rule(r"by its own word", "as it says itself"),
    _rule(r"as of when", "the time"),
    _rule(r"than it may be", "than the limit allows"),
    _rule(r"has no use for", "does not support"),
    _rule(r"is said of|it is said|nothing is said|are said", "a verb of what happens"),
    _rule(r"whose it is|of whom|by whom", "the noun"),
    _rule(r"is to be \w+ed", "must be, or the imperative"),
    _rule(r"1 (?:imports|appliances|jobs|documents|failures|collections)", "the singular"),
)
# Where a phrase of the list is right.
ALLOWED = re.compile(r"docs/prose\.py")


def places() -> Iterator[Place]:
    """Yield all texts."""
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]:
        yield from _page(path)
    yield from _help(typer.main.get_command(app), "archive")
    for folder in ("archive", "tests", "bench", "docs", "migrations"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from _code(path)
    for path in sorted((ROOT / "sql").glob("*.sql")):
        yield Place(_relative(path), " ".join(re.findall(r"--(.*)", path.read_text("utf-8"))))


def _page(path: Path) -> Iterator[Place]:
    """Yield the paragraphs, list entries and cells of a page, without code."""
    text = re.sub(
        r"^(```|~~~).*?^\1",
        lambda code: "\n" * code[0].count("\n"),
        path.read_text("utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    line = 1
    for block in re.split(r"(\n\s*\n|\n(?=\s*[-*|] |#))", text):
        plain = re.sub(r"`[^`]*`", "x", block)
        plain = re.sub(r"\]\([^)]*\)", "]", plain)
        for cell in plain.split("|"):
            if cell.strip():
                yield Place(f"{_relative(path)}:{line}", cell, is_page=True)
        line += block.count("\n")


def _help(command: Any, name: str) -> Iterator[Place]:
    yield Place(f"{name} --help", command.help or "", is_page=True)
    for parameter in command.params:
        yield Place(
            f"{name} {'/'.join(parameter.opts)}",
            getattr(parameter, "help", None) or "",
            is_page=True,
        )
    for child in getattr(command, "commands", {}).values():
        yield from _help(child, f"{name} {child.name}")


def _code(path: Path) -> Iterator[Place]:
    """Yield the comments and texts of a module, and the names of its tests."""
    where = _relative(path)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield Place(f"{where}:{token.start[0]}", token.string)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield Place(f"{where}:{node.lineno}", node.name.replace("_", " "))


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def complaints(place: Place) -> Iterator[str]:
    """Yield what is wrong with a text."""
    text = " ".join(place.text.split())
    for rule in (*TERMS, *STYLE):
        for found in rule.pattern.finditer(text):
            yield f'{place.where}: "{found[0]}": write {rule.instead}'
    if place.is_page:
        for sentence in re.split(r"(?<=[.!?:;])\s", text):
            number = len(sentence.split())
            if number > LONGEST_SENTENCE:
                yield f"{place.where}: a sentence of {number} words: {sentence[:60]}..."


def main() -> None:
    """Print the complaints; the exit code is 1 if there is any."""
    found = [
        one for place in places() if not ALLOWED.match(place.where) for one in complaints(place)
    ]
    for one in found:
        print(one)
    print(f"{len(found)} complaints about words.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
