"""The parts of pages that are made from the code are those that the code makes now."""

import importlib
import sys
from pathlib import Path

import pytest

from streaming.metrics import Metrics

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    """Imports a module of scripts/ by its name."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return importlib.import_module


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_error_message_is_explained(script, language):
    errors = script("document_errors")
    unexplained = {m.kind for m in errors.messages()} - errors.advice().keys()
    assert not unexplained, "say in scripts/error_advice.yaml what they mean"
    assert (ROOT / errors.PAGES[language]).read_text("utf-8") == errors.page(language), (
        "run `python scripts/document_errors.py`"
    )


def test_the_list_of_messages_has_all_ways_to_raise_one(script):
    said = {(m.kind, m.text) for m in script("document_errors").messages()}
    assert {
        ("PortInUse", "port … (…) is in use; stop what holds it or set another"),
        ("NotDelivered", "HTTP …"),
        ("ConfigError", "must be a number"),
        ("Refused", "no such picture"),
        ("BadAnswer", "riskLevel is missing"),
        ("BadAnswer", "the answer holds no JSON object"),
    } <= said
    assert any(k == "DownloadFailed" and "go online for the first start" in t for k, t in said)


def test_no_explanation_is_left_of_a_message_that_is_gone(script):
    errors = script("document_errors")
    said = errors.messages()
    gone = {
        (kind, note["has"])
        for kind, about in errors.advice().items()
        for note in about.get("messages", ())
        if not any(note["has"] in m.text for m in said if m.kind == kind)
    }
    assert not gone
    assert not errors.advice().keys() - {m.kind for m in said}


def test_every_metric_has_its_row(script):
    metrics = script("document_metrics")
    assert (ROOT / metrics.PAGE).read_text("utf-8") == metrics.page(), (
        "run `python scripts/document_metrics.py`"
    )
    assert len(list(metrics.declared())) == len(list(Metrics().registry.collect()))
    assert all(metrics.users(attribute) for attribute, _ in metrics.declared())
