"""Redis's clock as this process sees it, to a fraction of a millisecond. Pure."""

from dataclasses import dataclass

_BELIEVED_S = 30.0
_STEP_S = 0.002


@dataclass(slots=True)
class RedisClock:
    """Unix seconds of Redis to seconds of this process's monotonic clock and back.

    An answer was stamped somewhere between asking and hearing it, so the fastest round trip
    tells best; it is believed for half a minute, in which clocks drift by far less than it errs.
    """

    _offset_s: float = 0.0
    _error_s: float = float("inf")
    _heard_at: float = float("-inf")

    def heard(self, redis_now: float, asked_at: float, heard_at: float) -> None:
        """Redis said its time; asked and heard in monotonic seconds."""
        error_s = (heard_at - asked_at) / 2
        offset_s = redis_now - (asked_at + error_s)
        old = heard_at - self._heard_at > _BELIEVED_S
        # Both cannot be true: somebody set Redis's clock.
        stepped = abs(offset_s - self._offset_s) > error_s + self._error_s + _STEP_S
        if error_s <= self._error_s or old or stepped:
            self._offset_s, self._error_s, self._heard_at = offset_s, error_s, heard_at

    def here(self, redis_time: float) -> float:
        """Monotonic seconds of this process."""
        return redis_time - self._offset_s

    def there(self, monotonic: float) -> float:
        """Unix seconds of Redis."""
        return monotonic + self._offset_s
