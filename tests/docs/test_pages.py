"""Every block of commands in every page is run by a test, or says why it is not."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from streaming.lake import opened
from streaming.lake.schema import ensure_schema
from streaming.settings import load
from tests.builders import risk_assessment
from tests.docs import page
from tests.docs.terminal import Terminal
from tests.unit.lake.rows import bring

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)
RUN_HERE = (
    "docs/lakehouse.md",
    "docs/operations.md",
)
BLOCK_S = 120.0


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [name for name in PAGES if ".zh." not in name and "/zh/" not in name]
)
def test_every_block_is_run_by_a_test_or_says_why_not(name):
    """The Chinese pages have the same blocks: test_translations.py."""
    to_run = [block for block in page.blocks(text_of(name)) if not block.not_run]
    if to_run:
        tests = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
        assert any(Path(name).name in test for test in tests), f"{name}:{to_run[0].line}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_are_in_blocks_that_say_so(name):
    """A block without a language is a drawing or an output: a command in it would go unnoticed."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)
    commands = re.compile(r"^(?:trafficmon|make|python3?|docker|curl|nice|\$) ", re.MULTILINE)
    assert not [
        content
        for language, content in fences
        if language not in page.SHELLS and language != "text" and commands.search(content)
    ]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    """In a folder with the settings of a fresh clone, and a lake with a verdict in it."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "config", folder / "config")
    state = {"TRAFFICMON_STATE_DIR": str(folder / ".trafficmon")}
    with opened(load(folder / "config", state)) as con:
        ensure_schema(con)
        bring(con, "assessments", risk_assessment())
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    notes = tmp_path_factory.mktemp("notes")
    with Terminal(folder, os.environ | state | {"PATH": path}, notes) as opened_terminal:
        yield opened_terminal


@pytest.mark.needs("own-network")
@pytest.mark.parametrize("name", RUN_HERE)
def test_the_commands_of_a_page_do_as_it_says(terminal, name):
    terminal.run(page.Block(1, "rm -rf config.backup"), BLOCK_S)  # the last page's
    for block in page.blocks(text_of(name)):
        if block.not_run:
            continue
        ended = terminal.run(block, BLOCK_S)
        assert ended.exit_code == block.exit_code, (
            f"{name}:{block.line}: {ended.failed}\n{ended.out}"
        )
        assert page.missing(block.shows or "", ended.out) is None, f"{name}:{block.line}"
