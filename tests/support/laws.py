"""How thoroughly laws that need a database are tested: CI draws more examples than `make test` does."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "5"))
