"""Turn a message into text: its finished text, or its ID with arguments and params."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.document.flatten import Content
    from archive.document.params import ParamRow
    from archive.messages.forms import Forms

# Params may nest without limit; deeper levels are not shown.
DEEPEST = 20
# In place of params that are deeper.
_MORE = "…"

# Params by the number of their parent, None for those at the top.
_Children = dict[int | None, list["ParamRow"]]


class Shown(NamedTuple):
    """A param as shown; `below` are the params of its nested message.

    `value` is empty for a param without a value.
    """

    name: str
    value: str
    below: list[Shown]


def text(message: Content, forms: Forms) -> str:
    """Return a message as one text: localised, or in English, or its ID.

    The first two already contain the arguments. An ID is followed by its arguments and params in
    parentheses.
    """
    template = message.template
    return (
        message.localized
        or template.default_message
        or _with(
            template.message_id,
            [*message.args, *(_inline(param) for param in params(message.params, forms))],
        )
    )


def params(rows: Sequence[ParamRow], forms: Forms) -> list[Shown]:
    """Return the tree of a message's params in their order, at most twenty levels deep.

    `rows` are in the order of `seq`, a parent before its children. What is deeper is shown as `…`.
    """
    children: _Children = {}
    for row in rows:
        children.setdefault(row.parent_seq, []).append(row)
    return _below(None, children, forms, DEEPEST)


def _below(parent: int | None, children: _Children, forms: Forms, levels: int) -> list[Shown]:
    """Return the params below a parent (None: the top), at most `levels` deep."""
    rows = children.get(parent, [])
    # One mark stands for all that is deeper.
    if rows and not levels:
        return [Shown(_MORE, "", [])]
    return [
        Shown(row.name, _value(row, forms), _below(row.seq, children, forms, levels - 1))
        for row in rows
    ]


def _value(row: ParamRow, forms: Forms) -> str:
    """Return all values of a param: normally one, but it may have several or none."""
    values = (
        row.s,
        None if row.dt is None else forms.instant(row.dt, row.format),
        None if row.i is None else forms.integer(row.i),
        None if row.d is None else forms.double(row.d, row.precision),
        row.nested_id,
    )
    return ", ".join(value for value in values if value is not None)


def _inline(param: Shown) -> str:
    """Return a param and those below it as text on one line."""
    named = f"{param.name}={param.value}" if param.value else param.name
    return _with(named, [_inline(inner) for inner in param.below])


def _with(name: str, details: list[str]) -> str:
    """Return a name, followed by details in parentheses if there are any."""
    return f"{name} ({', '.join(details)})".lstrip() if details else name
