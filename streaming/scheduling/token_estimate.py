"""How many tokens a call will take, before it is made and where its answer does not say. Pure.

By Model Studio's published rules for Qwen-VL: a token for each 28 by 28 pixels of a picture and
two beside them, about 3.5 letters or 1.5 Chinese characters of text a token.
"""

from dataclasses import dataclass
from functools import lru_cache

_PIXELS = 28
_MOST_PICTURE_TOKENS = 2_560
_UNKNOWN_PICTURE_TOKENS = 1_280
_ASCII_A_TOKEN = 3.5
_OTHERS_A_TOKEN = 1.5
_FIRST_ANSWER_TOKENS = 150
_LEAST, _MOST = 0.25, 4.0
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG's start-of-frame markers (ITU T.81, table B.1)."""


@dataclass(slots=True)
class TokenEstimate:
    """Corrected by what answers say: other models count a picture otherwise, up to four times."""

    ratio: float = 1.0
    answer: float = _FIRST_ANSWER_TOKENS

    def of(self, system: str, user: str, image: bytes | None) -> int:
        """Tokens of a call with this text and picture, at least one."""
        asked = _fixed_text(system) + _text(user) + (_picture(image) if image else 0)
        return max(1, round(asked * self.ratio + self.answer))

    def answered(self, estimated: int, prompt_tokens: int, completion_tokens: int) -> int:
        """Tokens that count for a call: those the answer names, or else the estimate."""
        if prompt_tokens <= 0:
            return estimated
        asked = max(1.0, (estimated - self.answer) / self.ratio)
        said = min(max(prompt_tokens / asked, _LEAST), _MOST)
        self.ratio += (said - self.ratio) / 16
        self.answer += (completion_tokens - self.answer) / 16
        return prompt_tokens + completion_tokens


def picture_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height in pixels as the frame header says, None if there is none."""
    at, end = 2, min(len(jpeg), 65_536)
    while at + 9 < end and jpeg[at] == 0xFF:
        if jpeg[at + 1] in _FRAMES:
            height = int.from_bytes(jpeg[at + 5 : at + 7])
            return int.from_bytes(jpeg[at + 7 : at + 9]), height
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return None


def _picture(jpeg: bytes) -> int:
    size = picture_size(jpeg)
    if size is None:
        return _UNKNOWN_PICTURE_TOKENS
    across, down = (-(-side // _PIXELS) for side in size)
    return min(across * down + 2, _MOST_PICTURE_TOKENS)


def _text(text: str) -> float:
    if text.isascii():
        return len(text) / _ASCII_A_TOKEN
    others = len(text.encode()) - len(text)  # two bytes more a Chinese character
    others //= 2
    return (len(text) - others) / _ASCII_A_TOKEN + others / _OTHERS_A_TOKEN


_fixed_text = lru_cache(maxsize=16)(_text)
