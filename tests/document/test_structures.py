from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import fields

from archive.document import schema, structures


@pytest.mark.parametrize(
    "model", [schema.Info, schema.Progress, schema.Message, schema.Param, schema.Nested]
)
def test_structures_have_the_fields_of_the_schema(model: Any) -> None:
    """Fields have the schema's names and order, and are required where the schema requires them."""
    wanted = [
        (field.alias or name, field.is_required()) for name, field in model.model_fields.items()
    ]
    found = fields(structures._structure(model))
    assert [(field.encode_name, field.required) for field in found] == wanted
    assert [name for name, _ in wanted] == sorted(name for name, _ in wanted)


def test_nested_parts_stay_text() -> None:
    """Messages, builds, targets and errors are not split with the document."""
    kinds = {field.name: field.type for field in fields(structures._structure(schema.Info))}
    nested = {name for name, kind in kinds.items() if kind is Raw}
    assert nested == {"build", "description", "error", "target"}
    assert kinds["messages"] == list[Raw]
