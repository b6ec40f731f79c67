"""Tokens of a call: by the published rule, corrected by answers, never nothing."""

import cv2
import numpy as np
import pytest

from streaming.scheduling.token_estimate import TokenEstimate, picture_size


def a_jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("width", "height", "tokens"), [(280, 280, 102), (281, 1, 13), (4000, 4000, 2560)]
)
def test_a_picture_costs_a_token_for_each_28_by_28_pixels(width, height, tokens):
    without, with_ = TokenEstimate(), TokenEstimate()
    assert with_.of("", "", a_jpeg(width, height)) - without.of("", "", None) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"), [("a" * 350, 100), ("行" * 150, 100), ("行a" * 105, 100)]
)
def test_text_by_letters_and_by_chinese_characters(text, tokens):
    assert TokenEstimate(answer=0).of("", text, None) == tokens
    assert TokenEstimate(answer=0).of(text, "", None) == tokens


@pytest.mark.parametrize(
    "jpeg", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\xff\xd8jpeg" * 99, bytes(99)]
)
def test_what_is_no_picture_has_no_size_and_an_estimate_all_the_same(jpeg):
    assert picture_size(jpeg) is None
    assert TokenEstimate().of("", "", jpeg) >= 1


def test_answers_without_usage_count_as_estimated_and_teach_nothing():
    tokens = TokenEstimate()
    first = tokens.of("", "a" * 3500, None)
    for _ in range(1000):
        assert tokens.answered(first, 0, 0) == first
    assert tokens.of("", "a" * 3500, None) == first


def test_a_model_that_counts_otherwise_is_learnt():
    tokens = TokenEstimate()
    for _ in range(200):
        estimated = tokens.of("", "a" * 3500, None)
        assert tokens.answered(estimated, 2000, 50) == 2050
    assert tokens.of("", "a" * 3500, None) == pytest.approx(2050, rel=0.02)


def test_nonsense_in_usage_sinks_the_estimate_to_a_quarter_at_most():
    tokens = TokenEstimate()
    for _ in range(1000):
        tokens.answered(tokens.of("", "a" * 3500, None), 1, 0)
    assert tokens.of("", "a" * 3500, None) >= 250
