"""How thoroughly laws are tested that take a database: `TEST_EXAMPLES=100 make test` takes its time."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "10"))
