"""Options of CSV files for spreadsheets.

Both exist for programs that open CSV by the settings of the system; other programs need neither.
"""

from __future__ import annotations

from typing import Annotated

import typer

from archive.errors import UsageError

# U+FEFF in UTF-8. Without it, Excel takes a file for the system's old encoding.
BOM = "\ufeff"
# A tab is hard to write on a command line.
_NAMED_DELIMITERS = {"tab": "\t"}
DelimiterOption = Annotated[
    str,
    typer.Option("--delimiter", metavar="CHARACTER", help="Character between cells, or `tab`."),
]
BomOption = Annotated[
    bool,
    typer.Option("--bom", help="Start files with a byte order mark, so that Excel reads UTF-8."),
]


def delimiter_of(text: str) -> str:
    """Return the character of `--delimiter`. Raises UsageError for one that could be in a value.

    A point, a sign or a digit could be a part of a number, a letter of any text.
    """
    character = _NAMED_DELIMITERS.get(text, text)
    if len(character) != 1 or character.isalnum() or character in '"\r\n.+-':
        raise UsageError(
            f"--delimiter {text!r}: use `tab` or one character such as ';', which cannot be a letter,"
            " a digit, a quote or one of . + -"
        )
    return character
