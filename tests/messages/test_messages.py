from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import messages
from archive.cli import job as verbs
from archive.document import canonical
from archive.document.flatten import Content, normalise
from archive.errors import UsageError
from archive.messages.forms import FORMATS
from archive.messages.shown import DEEPEST
from archive.render import outline
from tests.support.samples import job
from tests.support.strategies import FORMATS as TWELVE
from tests.support.strategies import INT64, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.messages import Forms, Shown

PUBLISHED = messages.forms("UTC")
# The representations of this instant in the API's documentation.
MOMENT = "2019-01-28T12:59:01.000000Z"
EXAMPLES = {
    "SHORT_DATE": "2019-01-28",
    "MED_DATE": "2019 Jan 28",
    "LONG_DATE": "2019 Jan 28",
    "FULL_DATE": "2019 Jan 28, Mon",
    "SHORT_TIME": "12:59",
    "MED_TIME": "12:59:01",
    "LONG_TIME": "12:59:01 Z",
    "FULL_TIME": "12:59:01 Z",
    "SHORT_DATE_TIME": "2019-01-28 12:59",
    "MED_DATE_TIME": "2019 Jan 28 12:59:01",
    "LONG_DATE_TIME": "2019 Jan 28 12:59:01 Z",
    "FULL_DATE_TIME": "2019 Jan 28, Mon 12:59:01 Z",
}
GERMAN = {
    "SHORT_DATE": "28.01.19",
    "MED_DATE": "28.01.2019",
    "LONG_DATE": "28. Januar 2019",
    "FULL_DATE": "Montag, 28. Januar 2019",
    "SHORT_TIME": "12:59",
    "MED_TIME": "12:59:01",
    "LONG_TIME": "12:59:01 UTC",
    "FULL_TIME": "12:59:01 Koordinierte Weltzeit",
    "SHORT_DATE_TIME": "28.01.19, 12:59",
}
LOCALES = (None, "de_DE", "en-US", "ar_EG", "hi_IN", "fr_CH.UTF-8", "th_TH", "fa", "root")


def message(**fields: Any) -> Content:
    """Return the content of a message as it is read from a document."""
    whole = {"id": "the.id", "default_message": "", "args": []} | fields
    return normalise(canonical.read(job(messages=[whole])).info).messages[-1].content


def shown(fields: dict[str, Any], forms: Forms = PUBLISHED) -> str:
    """Return the displayed value of a param with these fields."""
    [param] = messages.params(message(params={"p": fields}).params, forms)
    return param.value


def test_formats_match_the_api() -> None:
    """There are exactly the twelve formats of the API."""
    assert sorted(FORMATS) == sorted(TWELVE) == sorted(EXAMPLES)


@pytest.mark.parametrize(("form", "text"), EXAMPLES.items())
def test_published_examples(form: str, text: str) -> None:
    """Without a locale each format gives the result in the API's documentation."""
    assert PUBLISHED.instant(MOMENT, form) == text


@pytest.mark.parametrize(("form", "text"), GERMAN.items())
def test_formats_of_a_locale(form: str, text: str) -> None:
    """With a locale each format gives CLDR's form of its width."""
    assert messages.forms("UTC", "de_DE").instant(MOMENT, form) == text


@pytest.mark.parametrize("form", [None, "SHORT_DATETIME", "", "short_date_time"])
def test_unknown_formats(form: str | None) -> None:
    """No format, or one that the API does not have, is SHORT_DATE_TIME."""
    fields = {"dt": MOMENT} if form is None else {"dt": MOMENT, "format": form}
    assert shown(fields) == "2019-01-28 12:59"


@pytest.mark.parametrize(
    ("zone", "instant", "text"),
    [
        ("Asia/Kathmandu", MOMENT, "2019 Jan 28, Mon 18:44:01 +05:45"),
        ("America/New_York", "2019-01-28T02:00:00.000000Z", "2019 Jan 27, Sun 21:00:00 -05:00"),
        # Clocks go forward, and back: the repeated hour has two offsets.
        ("Europe/Berlin", "2026-03-29T01:00:00.000000Z", "2026 Mar 29, Sun 03:00:00 +02:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00.000000Z", "2026 Oct 25, Sun 02:30:00 +02:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00.000000Z", "2026 Oct 25, Sun 02:30:00 +01:00"),
        ("Europe/London", MOMENT, "2019 Jan 28, Mon 12:59:01 Z"),
        ("UTC", "2024-02-29T23:59:59.999999Z", "2024 Feb 29, Thu 23:59:59 Z"),
        # Before time zones existed, and where an offset would leave the years 1 to 9999.
        ("Europe/Berlin", "0001-01-01T00:00:00.000000Z", "0001 Jan 1, Mon 00:53:28 +00:53:28"),
        ("America/New_York", "0001-01-01T00:00:00.000000Z", "0001 Jan 1, Mon 00:00:00 Z"),
        ("Asia/Kathmandu", "9999-12-31T23:59:59.000000Z", "9999 Dec 31, Fri 23:59:59 Z"),
    ],
)
def test_instants_in_a_zone(zone: str, instant: str, text: str) -> None:
    """Instants are shown in the zone of the archive's calendar, and long formats name it."""
    assert messages.forms(zone).instant(instant, "FULL_DATE_TIME") == text


@pytest.mark.parametrize(
    ("value", "precision", "text", "german"),
    [
        (16.12, 2, "16.12", "16,12"),
        (1234567.891, 1, "1,234,567.9", "1.234.567,9"),
        # Half to even, of the digits in the document.
        (0.125, 2, "0.12", "0,12"),
        (0.375, 2, "0.38", "0,38"),
        (2.675, 2, "2.68", "2,68"),
        (2.5, 0, "2", "2"),
        (3.5, 0, "4", "4"),
        (-2.5, 0, "-2", "-2"),
        # As many digits as requested, or as there are.
        (1.5, 4, "1.5000", "1,5000"),
        (1.5, None, "1.5", "1,5"),
        (3.0, None, "3", "3"),
        (1e22, None, "10,000,000,000,000,000,000,000", "10.000.000.000.000.000.000.000"),
        (0.00001, None, "0.00001", "0,00001"),
        # A negative precision means no digits, and zero has no sign.
        (12.34, -3, "12", "12"),
        (-0.001, 2, "0.00", "0,00"),
        (0.0, None, "0", "0"),
    ],
)
def test_doubles(value: float, precision: int | None, text: str, german: str) -> None:
    """A double has `precision` fractional digits."""
    fields = {"d": value} if precision is None else {"d": value, "precision": precision}
    assert shown(fields) == text
    assert shown(fields, messages.forms("UTC", "de_DE")) == german


def test_doubles_are_bounded() -> None:
    """A huge precision gives no endless text, and loses no digit."""
    least = shown({"d": 5e-324, "precision": 2**63 - 1})
    assert (len(least), least[-1]) == (2 + 324, "5")
    assert shown({"d": 5e-324}) == least
    greatest = shown({"d": 1e308, "precision": 2**63 - 1})
    assert greatest.replace(",", "").replace(".", "") == "1" + "0" * 632


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 30))
def test_doubles_equal_rounded_fractions(value: float, precision: int) -> None:
    """Rounding equals that of exact fractions: the shortest decimal, half to even."""
    units = round(Fraction(repr(value)) * 10**precision)
    for locale in (None, "en"):
        text = messages.forms("UTC", locale).double(value, precision).replace(",", "")
        whole, _, digits = text.partition(".")
        assert len(digits) == precision
        assert int(whole + digits) == units
        assert text.startswith("-") == (units < 0)


@given(INT64)
def test_integers(value: int) -> None:
    """Integers are grouped as in the locale, and lose no digit."""
    assert messages.forms("UTC").integer(value) == f"{value:,}"
    assert messages.forms("UTC", "en_US").integer(value) == f"{value:,}"
    assert messages.forms("UTC", "de").integer(value) == f"{value:,}".replace(",", ".")


def test_grouping_of_a_locale() -> None:
    """Groups follow the locale; its spaces become plain ones, which every terminal shows."""
    assert messages.forms("UTC", "en_IN").integer(1234567) == "12,34,567"
    assert messages.forms("UTC", "fr").double(1234567.5, 1) == "1 234 567,5"


@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)), st.sampled_from(TWELVE))  # noqa: DTZ001 - made UTC below
def test_instants_with_a_fixed_offset(moment: datetime, form: str) -> None:
    """In a zone of a fixed offset an instant is shown as UTC shows the instant that much later."""
    later = moment.replace(tzinfo=UTC) + timedelta(hours=5, minutes=30)
    text = messages.forms("Etc/GMT-5").instant(f"{moment.isoformat('T', 'microseconds')}Z", form)
    same = (later - timedelta(minutes=30)).replace(tzinfo=None)
    expected = PUBLISHED.instant(f"{same.isoformat('T', 'microseconds')}Z", form)
    assert text == expected.replace(" Z", " +05:00")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"localized": "Fertig", "default_message": "Done"}, "Fertig"),
        ({"default_message": "Done"}, "Done"),
        ({"localized": "", "default_message": "Done"}, "Done"),
        # A text already contains its arguments, whatever it looks like.
        ({"default_message": "100% of %s {0} %1$s", "args": ["x"]}, "100% of %s {0} %1$s"),
        ({}, "the.id"),
        ({"args": ["one", "two"]}, "the.id (one, two)"),
        ({"params": {"n": {"i": 1234}, "t": {"s": "x"}}}, "the.id (n=1,234, t=x)"),
        ({"args": ["one"], "params": {"n": {}}}, "the.id (one, n)"),
        (
            {"params": {"part": {"l": {"id": "part.seat", "params": {"name": {"s": "seat"}}}}}},
            "the.id (part=part.seat (name=seat))",
        ),
        ({"id": "", "args": ["one"]}, "(one)"),
        ({"id": ""}, ""),
    ],
)
def test_which_text_is_shown(fields: dict[str, Any], text: str) -> None:
    """The localised text, or the English one, or the id with all its arguments."""
    assert messages.text(message(**fields), PUBLISHED) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"s": " as it is "}, " as it is "),
        ({"s": "a", "i": 5}, "a, 5"),
        (
            {"l": {"id": "n"}, "d": 1.25, "precision": 1, "i": 0, "dt": MOMENT, "s": ""},
            ", 2019-01-28 12:59, 0, 1.2, n",
        ),
        ({}, ""),
        # Format fields describe how a value is shown, and are no values.
        ({"format": "MED_DATE", "precision": 2}, ""),
    ],
)
def test_values_of_a_param(fields: dict[str, Any], text: str) -> None:
    """All values that are set are shown, in a fixed order."""
    assert shown(fields) == text


def nested(depth: int) -> dict[str, Any]:
    """Return params with this number of levels."""
    params: dict[str, Any] = {"p": {"s": "innermost"}}
    for level in range(depth - 1, 0, -1):
        params = {"p": {"l": {"id": f"level{level}", "params": params}}}
    return params


def levels(params: list[Shown]) -> list[str]:
    found = []
    while params:
        [param] = params
        found.append(param.value or param.name)
        params = param.below
    return found


def test_nesting_is_shown_up_to_a_limit() -> None:
    """Nested messages are shown, up to a depth that nobody reads."""
    for depth in (1, 3, DEEPEST):
        rows = message(params=nested(depth)).params
        inner = [*(f"level{level}" for level in range(1, depth)), "innermost"]
        assert levels(messages.params(rows, PUBLISHED)) == inner
    rows = message(params=nested(60)).params
    assert levels(messages.params(rows, PUBLISHED)) == [
        *(f"level{level}" for level in range(1, DEEPEST + 1)),
        "…",
    ]


def walk(params: list[Shown]) -> Iterator[Shown]:
    for param in params:
        yield param
        yield from walk(param.below)


@pytest.mark.parametrize("locale", LOCALES)
@given(document=documents())
def test_every_message_can_be_shown(locale: str | None, document: dict[str, Any]) -> None:
    """Every message of a valid document is shown: its texts, its params, and no control characters."""
    forms = messages.forms("Asia/Kathmandu", locale)
    rows = normalise(canonical.read(document).info).messages
    for _, row in rows:
        text = messages.text(row, forms)
        assert text == (row.localized or row.template.default_message or text)
        found = list(walk(messages.params(row.params, forms)))
        assert [param.name for param in found] == [param.name for param in row.params]
        for param, row_param in zip(found, row.params, strict=True):
            assert (row_param.s or "") in param.value
            assert (row_param.nested_id or "") in param.value
    out = io.StringIO()
    outline.write([verbs._message(*row, forms) for row in rows], out)
    assert all(line.isprintable() for line in out.getvalue().split("\n"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("de_DEE", 'unknown locale "de_DEE" (did you mean "de_DE"'),
        ("de-XX", 'unknown locale "de-XX" (did you mean "de_'),
        ("deDE", "(did you mean "),
        ("", 'unknown locale "" (examples: de_DE, ja_JP)'),
        ("../../etc/passwd", " (examples: "),
        ("\udcff", "unknown locale"),
    ],
)
def test_unknown_locales(name: str, said: str) -> None:
    """An unknown locale is a usage error that suggests similar ones."""
    with pytest.raises(UsageError) as refused:
        messages.forms("UTC", name)
    assert said in str(refused.value)
