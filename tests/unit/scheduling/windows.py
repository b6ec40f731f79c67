"""What a strict provider looks at."""


def most_in_any(sends: list[float], span_s: float) -> int:
    """The largest number of sends in any window (t - span, t]; `sends` in rising order."""
    first, most = 0, 0
    for last, at in enumerate(sends):
        while sends[first] <= at - span_s:
            first += 1
        most = max(most, last - first + 1)
    return most
