"""A Chinese page is its English one: the same headings, commands, code and addresses."""

import re
from pathlib import Path

import pytest

from tests.docs import names, page

ROOT = Path(__file__).parents[2]
PAIRS = [("README.md", "README.zh.md")] + [
    (f"docs/{path.name}", f"docs/zh/{path.name}")
    for path in sorted((ROOT / "docs" / "zh").glob("*.md"))
]


@pytest.fixture(params=PAIRS, ids=[english for english, _ in PAIRS])
def texts(request) -> tuple[str, str]:
    english, chinese = request.param
    return (ROOT / english).read_text("utf-8"), (ROOT / chinese).read_text("utf-8")


def levels(text: str) -> list[int]:
    """The levels of the headings, in order."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [len(marks) for marks in re.findall(r"^(#+) ", outside, re.MULTILINE)]


def rows(text: str) -> int:
    return len(re.findall(r"^\|", text, re.MULTILINE))


def called(text: str) -> set[str]:
    """Commands, and the addresses of the API."""
    lines = [re.sub(r"\s+#.*", "", line) for line in names.code(text)]
    commands = {" ".join(each) for line in lines for each in names.calls(line, "trafficmon")}
    return commands | {line for line in lines if re.match(r"(?:GET|POST|PATCH|DELETE|make) ", line)}


def test_the_headings_are_the_same(texts):
    english, chinese = map(levels, texts)
    assert chinese == english


def test_the_tables_have_as_many_rows(texts):
    english, chinese = map(rows, texts)
    assert chinese == english


def test_the_blocks_of_commands_are_the_same_but_for_their_comments(texts):
    english, chinese = (
        [re.sub(r"\s*#.*", "", block.commands) for block in page.blocks(text)] for text in texts
    )
    assert chinese == english


def test_the_same_commands_and_addresses_are_named(texts):
    english, chinese = map(called, texts)
    assert chinese == english


@pytest.mark.parametrize("pair", PAIRS, ids=[english for english, _ in PAIRS])
def test_no_english_sentence_is_left(pair):
    text = (ROOT / pair[1]).read_text("utf-8")
    prose = re.sub(r"```.*?```|``.*?``|`[^`]*`|\]\([^)]*\)|<!--.*?-->", " ", text, flags=re.DOTALL)
    assert not re.findall(r"(?:\b[a-z]{3,}\b[ ,]+){4,}", prose)
