"""What a daemon says of itself before it works: the note, and /readyz beside its metrics."""

import os
import urllib.error
import urllib.request

import pytest

from streaming import readiness
from streaming.embedded import ports
from streaming.metrics import Metrics
from streaming.readiness import CAMERAS, GROUP_SEAT, MODEL, Readiness


def test_it_is_ready_when_nothing_is_missing_any_more():
    ready = Readiness(MODEL, CAMERAS)
    assert ready.waits_for == (MODEL, CAMERAS)
    ready.reached(MODEL)
    ready.detail(CAMERAS, "3, 7")
    assert ready.waits_for == ("cameras 3, 7",)
    ready.reached(CAMERAS)
    ready.reached(CAMERAS)
    ready.detail(CAMERAS, "9")
    assert ready.waits_for == ()


def test_the_note_says_which_process_waits_for_what(tmp_path):
    note = tmp_path / "ready" / "tasks-1.json"
    ready = Readiness(GROUP_SEAT, note=note)
    assert readiness.read(note) == readiness.Note(os.getpid(), (GROUP_SEAT,))
    ready.reached(GROUP_SEAT)
    assert readiness.read(note) == readiness.Note(os.getpid(), ())


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"pid": 1}', '{"pid": "x", "waitsFor": []}']
)
def test_a_note_that_cannot_be_read_is_none(tmp_path, text):
    note = tmp_path / "note"
    if text is not None:
        note.write_text(text)
    assert readiness.read(note) is None


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_work(tmp_path):
    (tmp_path / "file").write_text("")
    ready = Readiness(MODEL, note=tmp_path / "file" / "note.json")
    ready.reached(MODEL)
    assert ready.waits_for == ()


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def test_a_probe_is_told_503_and_why_until_the_daemon_works():
    ready = Readiness(MODEL, CAMERAS)
    metrics = Metrics()
    metrics.tasks.inc()
    port = metrics.serve("127.0.0.1", ports.any_free(), ready)
    assert asked(port, "/readyz") == (503, "waits for the detection model, cameras\n")
    ready.reached(MODEL)
    ready.reached(CAMERAS)
    assert asked(port, "/readyz") == (200, "ready\n")
    assert "trafficmon_tasks_total 1.0" in asked(port, "/metrics")[1]
