"""Messages by their bytes: what was decoded when it came is not decoded again when it is merged.

Messages are frozen, so that everybody may have the same one. Pure.
"""

from functools import lru_cache

from streaming.messages import DetectionResult, RiskAssessment, SkippedGroups, decode

_KEPT = 4_096
"""Of each kind; about 8 kB a detection."""


@lru_cache(_KEPT)
def detection(raw: bytes) -> DetectionResult:
    """Raises BadMessage as `decode` does."""
    return decode(raw, DetectionResult)


@lru_cache(_KEPT)
def assessment(raw: bytes) -> RiskAssessment:
    """Raises BadMessage as `decode` does."""
    return decode(raw, RiskAssessment)


@lru_cache(_KEPT)
def notice(raw: bytes) -> SkippedGroups:
    """Raises BadMessage as `decode` does."""
    return decode(raw, SkippedGroups)
