"""The params of a message as rows, each with its path. `rebuild` is the inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive import timestamps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archive.document.schema import Nested, Param

# Characters. A longer path of a param is cut, so that deep nesting with long names takes no more room.
LONGEST_PATH = 1000
# In place of what is cut off.
CUT = "…"


class ParamRow(NamedTuple):
    """One param of a message, vSphere's `LocalizationParam`; `dt` is a fixed-width UTC instant.

    `seq` counts from 0, a parent before its children; `parent_seq` is the param whose `l` contains
    it. `path` is made of the names by `param_path`; `rebuild` does without it.

    A well-formed param has one of the values `s`, `dt`, `i`, `d` and `nested_id`, but any number is
    possible. `nested_has_params` is false without any `params`, None without a nested message.
    """

    seq: int
    parent_seq: int | None
    name: str
    path: str
    s: str | None
    dt: str | None
    i: int | None
    d: float | None
    format: str | None
    precision: int | None
    nested_id: str | None
    nested_has_params: bool | None


def param_rows(params: dict[str, Param]) -> list[ParamRow]:
    """Return the rows of a message's params, parents before children, siblings as in the map."""
    rows: list[ParamRow] = []
    _add_params(params, None, None, rows)
    return rows


def param_path(above: str | None, name: str) -> str:
    """Return the path of a param below the one with the path `above` (None: at the top).

    It is the names of the params that contain it and its own, joined by dots. A path of more than
    LONGEST_PATH characters is CUT and its last characters, whether it is cut once or at each level.
    """
    path = name if above is None else f"{above}.{name}"
    return path if len(path) <= LONGEST_PATH else CUT + path[-LONGEST_PATH:]


def with_paths(rows: Iterable[ParamRow]) -> list[ParamRow]:
    """Return the rows of a message's params, in order, with the paths that their names make."""
    paths: dict[int | None, str | None] = {None: None}
    found = []
    for row in rows:
        path = paths[row.seq] = param_path(paths[row.parent_seq], row.name)
        found.append(row._replace(path=path))
    return found


def _add_params(
    tree: dict[str, Param], parent_seq: int | None, above: str | None, rows: list[ParamRow]
) -> None:
    for name, param in tree.items():
        nested: Nested | None = param.nested
        seq, path = len(rows), param_path(above, name)
        rows.append(
            ParamRow(
                seq,
                parent_seq,
                name,
                path,
                param.s,
                param.dt and timestamps.fixed_form(param.dt),
                param.i,
                param.d,
                param.format,
                param.precision,
                None if nested is None else nested.id,
                None if nested is None else nested.params is not None,
            )
        )
        if nested is not None and nested.params:
            _add_params(nested.params, seq, path, rows)
