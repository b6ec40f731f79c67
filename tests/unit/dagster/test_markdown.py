import pytest

from streaming.markdown import markdown_table, ms, share


def test_numbers_stand_to_the_right_and_nothing_breaks_the_table():
    table = markdown_table(
        ("Name", "Count", "Share"), [("a|b\nc", 12_345, "98.4 %"), (None, 7, None)]
    )

    assert table.splitlines() == [
        "| Name | Count | Share |",
        "| --- | ---: | ---: |",
        "| a\\|b c | 12,345 | 98.4 % |",
        "| – | 7 | – |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), (0.4, "0.40"), (9.994, "9.99"), (812.3, "812"), (12_345, "12,345")],
)
def test_milliseconds_are_as_precise_as_one_reads_them(value, text):
    assert ms(value) == text


def test_a_share_is_in_percent():
    assert share(0.98444) == "98.4\u00a0%"
    assert share(None) is None
