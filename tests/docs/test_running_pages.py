"""The machinery itself: how a page is read, how its commands are run."""

import os
import sys

import psutil
import pytest

from tests.docs import page
from tests.docs.terminal import Terminal

PAGE = """
Words.

```sh
first
```

<!-- not run: needs a
     Docker engine -->
```sh
docker ps
```

<!-- run: exits 1 -->
```bash
trafficmon status
```

```text
nothing runs
```

<!-- run: exits 0, on a slow machine 1 -->
```sh
trafficmon probe
```

<!-- run: for 5 s -->
```sh
tail -f logs/app.log
```

<!-- run: in the background -->
```sh
python -m streaming.detection
```

```yaml
not: commands
```
"""


def test_a_page_says_what_is_run_and_how():
    first, docker, status, probe, tail, detection = page.blocks(PAGE)
    assert first == page.Block(4, "first\n")
    assert docker.not_run == "needs a Docker engine"
    assert (status.exit_code, status.shows) == (1, "nothing runs\n")
    assert (probe.exit_code, probe.slow_exit_code) == (0, 1)
    assert tail.for_s == 5
    assert detection.in_background
    assert detection.shows is None


def test_a_page_says_what_is_written_into_a_file():
    written = "# config/kafka.yaml\nkafka: {}\n"
    text = f"```yaml\n{written}```\n```sh\ntrue\n```\n```yaml\nkafka: {{}}\n```\n"
    assert page.steps(text) == [page.File("config/kafka.yaml", written), page.Block(5, "true\n")]


def test_a_word_that_nobody_knows_is_an_error():
    with pytest.raises(ValueError, match="run: twice"):
        page.blocks("<!-- run: twice -->\n```sh\ntrue\n```\n")


@pytest.mark.parametrize(
    ("shown", "seen", "missing"),
    [
        ("3 keys", "12 keys", None),
        ("P50 0.82 s", "  P50   1,234.5 s and more", None),
        ("first\n…\nlast", "first\nmiddle\nlast", None),
        ("… at 127.0.0.1:9092: ready", "Kafka at 127.0.0.1:9093: ready in 4 s", None),
        ("last\nfirst", "first\nlast", "first"),
        ("three keys", "3 keys", "three keys"),
        ("key  valid", "\x1b[1m┃ key ┃ valid ┃\x1b[0m", None),
    ],
)
def test_what_is_shown_is_compared_but_for_its_numbers(shown, seen, missing):
    assert page.missing(shown, seen) == missing


@pytest.fixture
def terminal(tmp_path):
    with Terminal(tmp_path, os.environ, tmp_path / "notes") as opened:
        yield opened


def run(terminal, commands, **how):
    return terminal.run(page.Block(1, commands, **how), timeout_s=60)


@pytest.mark.needs("own-network")
def test_a_terminal_remembers_variables_and_its_folder(terminal, tmp_path):
    assert run(terminal, "export WORD=kept\nmkdir inner\ncd inner").exit_code == 0
    assert run(terminal, 'echo "$WORD in $PWD"').out == f"kept in {tmp_path}/inner\n"


@pytest.mark.needs("own-network")
def test_a_command_that_fails_is_named_although_the_last_one_succeeds(terminal):
    ended = run(terminal, "true\nls nowhere\ntrue")
    assert (ended.exit_code, ended.failed) == (2, "ls nowhere")
    assert run(terminal, "true\n(exit 3)").exit_code == 3
    assert run(terminal, "true").exit_code == 0


@pytest.mark.needs("own-network")
def test_a_command_that_goes_on_is_ended_as_a_reader_would(terminal):
    assert run(terminal, "echo begun; sleep 600", for_s=1).out == "begun\n"


@pytest.mark.needs("own-network")
def test_every_port_is_free_and_what_runs_at_the_end_is_ended(tmp_path):
    serve = f"echo $$ > pid; exec {sys.executable} -m http.server 5000"
    with Terminal(tmp_path, os.environ, tmp_path / "notes") as terminal:
        run(terminal, serve, in_background=True)
        run(terminal, "until (echo >/dev/tcp/127.0.0.1/5000) 2>/dev/null; do sleep 0.1; done")
        pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid)
