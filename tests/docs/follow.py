"""Follows a page as its reader would: writes its files, runs its commands, looks at what comes."""

from pathlib import Path

from tests.docs import page
from tests.docs.terminal import Terminal

_BLOCK_TIMEOUT_S = 300.0
_TAIL_LINES = 30


def follow(text: str, terminal: Terminal, folder: Path) -> None:
    """Every step in order.

    Raises:
        AssertionError: a command fails, does not end, or shows something else than the page says;
            with the line of the page, and what the terminals in the background said.
    """
    for step in page.steps(text):
        if isinstance(step, page.File):
            (folder / step.path).write_text(step.content, encoding="utf-8")
        elif step.not_run is None:
            _follow(step, terminal)


def _follow(block: page.Block, terminal: Terminal) -> None:
    where = f"line {block.line}: {block.commands.strip()}"
    try:
        ended = terminal.run(block, (block.for_s or 0) + _BLOCK_TIMEOUT_S)
        right = {block.exit_code, block.slow_exit_code}
        assert ended.exit_code in right, f"{ended.failed}\n{ended.out[-3000:]}"
        line = page.missing(block.shows or "", ended.out) if block.shows else None
        assert line is None, f"does not show {line!r}, but\n{ended.out[-3000:]}"
    except AssertionError as exc:
        raise AssertionError(f"{where}\n{exc}\n{_background(terminal)}") from None


def _background(terminal: Terminal) -> str:
    tails = [
        f"--- {out.with_suffix('.sh').read_text().strip()}\n"
        + "\n".join(out.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        for out in terminal.background
    ]
    return "\n".join(tails)
