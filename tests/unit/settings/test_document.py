"""Every setting is on the page, with what it is."""

from pathlib import Path

from streaming.settings import document

ROOT = Path(__file__).parents[3]


def test_the_page_tells_every_setting_as_it_is_now():
    assert (ROOT / document.PAGE).read_text(encoding="utf-8") == document.page(), (
        "run `python -m streaming.settings.document`"
    )


def test_every_setting_says_what_it_is():
    rows = [line for line in document.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert not [row for row in rows if row.rstrip().endswith("| None |")]
