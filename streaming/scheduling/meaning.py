"""What an answer without a completion means: the first fitting rule of the table. Pure."""

from dataclasses import dataclass

from streaming.scheduling.error_body import Said
from streaming.scheduling.error_table import BY_STATUS, RULES, Rule
from streaming.scheduling.outcomes import Outcome
from streaming.settings.vendors import Vendor


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and words; `html`: a web page came; `retry_after`: a time to come back is named."""

    status: int
    said: Said
    vendor: Vendor = Vendor.OTHER
    html: bool = False
    retry_after: bool = False


def meaning(answer: Answer) -> Outcome:
    """The outcome of an answer that holds no completion, a 200 with an error in it included."""
    if answer.html:
        return Outcome.THROTTLED if answer.status == 429 else Outcome.NOT_A_PROVIDER
    if 300 <= answer.status < 400:
        return Outcome.NOT_A_PROVIDER
    if answer.status == 402 and answer.retry_after:  # a budget that refills, no debt (OpenRouter)
        return Outcome.THROTTLED
    status = _status(answer)
    found = next((rule.outcome for rule in RULES if _fits(rule, answer, status)), None)
    return found or _by_status(status)


def _fits(rule: Rule, answer: Answer, status: int) -> bool:
    if rule.statuses and status not in rule.statuses:
        return False
    if rule.vendors and answer.vendor not in rule.vendors:
        return False
    if any(code.lower() in rule.codes for code in answer.said.codes):
        return True
    return rule.words is not None and rule.words.search(answer.said.words) is not None


def _status(answer: Answer) -> int:
    """The status, or, of an error within a 200, the one that a code in the body stands for."""
    if answer.status != 200:
        return answer.status
    told = (int(c) for c in answer.said.codes if c.isascii() and c.isdigit() and len(c) == 3)
    return next((status for status in told if 400 <= status < 600), 200)


def _by_status(status: int) -> Outcome:
    if status in BY_STATUS:
        return BY_STATUS[status]
    return Outcome.REQUEST_REFUSED if 400 <= status < 500 else Outcome.UNAVAILABLE
