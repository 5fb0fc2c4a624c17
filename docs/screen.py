"""What the command shows on a terminal, as a picture of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; width: max-content; background: {background}; color: {foreground} }}
pre {{ margin: 0; padding: 14px 18px; font: 14px/1.2 "DejaVu Sans Mono", monospace;
  width: COLUMNSch; white-space: pre-wrap; word-break: break-all }}
</style><pre>{code}</pre>"""


def picture(browser: Browser, path: Path, columns: int, *arguments: str) -> None:
    """Run the command on a terminal so many columns wide, and take a picture of all that it shows."""
    shown = on_terminal(*arguments, COLUMNS=str(columns)).replace("\r\n", "\n").rstrip()
    console = Console(
        record=True, file=io.StringIO(), width=columns, force_terminal=True, color_system="256"
    )
    command = Text(f"$ archive {arguments[0]} {arguments[1]}\n", style="bold")
    console.print(command, Text.from_ansi(shown), sep="", soft_wrap=True)
    page = browser.new_page(viewport={"width": 200, "height": 100})
    page.set_content(
        console.export_html(
            theme=SVG_EXPORT_THEME,
            code_format=_PAGE.replace("COLUMNS", str(columns)),
            inline_styles=True,
        )
    )
    page.locator("pre").screenshot(path=path)
    page.close()
