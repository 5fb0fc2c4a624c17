"""What a report asks the database several times, remembered as long as its transaction.

A transaction that reads sees one state of the archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy.engine import Connection, Transaction

T = TypeVar("T")
_known: WeakKeyDictionary[Transaction, dict[Hashable, Any]] = WeakKeyDictionary()


def remembered(connection: Connection, asked: Hashable, answer: Callable[[], T]) -> T:
    """Return the answer to a question, which is looked for once in a transaction."""
    transaction = connection.get_transaction()
    if transaction is None:
        return answer()
    answers = _known.setdefault(transaction, {})
    if asked not in answers:
        answers[asked] = answer()
    found: T = answers[asked]
    return found
