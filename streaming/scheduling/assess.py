"""One task to its one end: assessed, expired, or failed with the reason."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from redis.exceptions import RedisError

from streaming.errors import (
    BadAnswer,
    BadRequest,
    ContentRefused,
    CutShort,
    KeyRejected,
    ModelMissing,
    ModelRefused,
    ParameterRefused,
    ProviderError,
    Throttled,
)
from streaming.messages import AssessmentTask, RiskAssessment, Status
from streaming.metrics import Metrics
from streaming.scheduling import chat, prompt, verdict
from streaming.scheduling.calling import Asks, Caller
from streaming.scheduling.case import Case, Prices, Progress, ended
from streaming.scheduling.hedging import Hedging
from streaming.scheduling.model_order import ModelOrder
from streaming.scheduling.turnstile import DeadlinePassed, Turnstile
from streaming.settings import ApiKey

log = logging.getLogger(__name__)

_MAX_CALLS = 12
"""Calls for one task in all, also those that 429 and 401 cost, which no setting counts."""

_MORE_ROOM = 4
"""An answer that was cut short is asked once more with so many times the tokens."""

_FIRST_BACKOFF_S = 0.2
_MAX_SAID_CHARS = 160
_JPEG_START = b"\xff\xd8"


class Withdrawn(Exception):
    """Not an error: the task is to be handed back instead of being tried again."""


class Images(Protocol):
    """The image store, as seen from here."""

    def get(self, ref: str, max_bytes: int) -> Awaitable[bytes | None]: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What does not change from task to task. Times in seconds, prices for 1,000 tokens."""

    models: tuple[str, ...]
    sampling: chat.Sampling
    language: prompt.Language
    thresholds: verdict.Thresholds
    retries: int
    call_timeout_s: float
    task_timeout_s: float
    prices: Prices
    hedge_share: float = 0.0


@dataclass(slots=True)
class Assessor:
    """Asks about tasks, with keys in turn, until each has a verdict or no time is left."""

    provider: Asks
    turnstile: Turnstile
    images: Images
    keys: Mapping[str, ApiKey]
    policy: Policy
    notes: dict[str, str]
    metrics: Metrics
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.Random)
    _caller: Caller = field(init=False)
    _models: ModelOrder = field(init=False)

    def __post_init__(self) -> None:
        self._models = ModelOrder(self.policy.models)
        self._caller = Caller(
            self.provider,
            self.turnstile,
            self.keys,
            self.metrics,
            self.clock,
            sampling=self.policy.sampling,
            timeout_s=self.policy.call_timeout_s,
            hedging=Hedging(self.policy.hedge_share),
        )

    @property
    def calling(self) -> int:
        """How many calls are under way."""
        return self.turnstile.in_flight

    def prepare(self, task: AssessmentTask, progress: Progress) -> None:
        """Begin to fetch the picture; returns at once. `assess` does it otherwise."""
        if task.image_ref is not None and task.deadline_at > datetime.now(UTC):
            progress.picture = self.images.get(task.image_ref, chat.MAX_IMAGE_BYTES)

    async def assess(self, task: AssessmentTask, progress: Progress) -> RiskAssessment:
        """How the task ended.

        Raises:
            Withdrawn: `progress.withdrawn` was set, and no call is under way any more.
        """
        case = await self._open(task, progress)
        try:
            found = await self._judge(case)
        except DeadlinePassed as exc:
            error = case.last_error or exc
            status: Status = "expired" if case.last_error is None else "failed"
            return self._end(case, status, None, error)
        except ProviderError as exc:
            return self._end(case, "failed", None, exc)
        return self._end(case, "assessed", found, None)

    async def _open(self, task: AssessmentTask, progress: Progress) -> Case:
        left_s = (task.deadline_at - datetime.now(UTC)).total_seconds()
        image = await self._image(task, progress) if left_s > 0 else None
        question = prompt.Question(
            self.policy.language, self.notes.get(task.camera_id, ""), image is not None
        )
        now = self.clock()
        ends_at = now + self.policy.task_timeout_s
        return Case(
            task=task,
            prompt=prompt.build(task, question),
            image=image,
            deadline=min(now + left_s, ends_at),
            ends_at=ends_at,
            progress=progress,
            asked=self._models.first(now),
        )

    async def _image(self, task: AssessmentTask, progress: Progress) -> bytes | None:
        """The picture, unless it is gone, too large for the provider, or no JPEG."""
        if progress.picture is None:
            self.prepare(task, progress)
        if progress.picture is None:
            return None
        try:
            image = await progress.picture
        except RedisError as exc:
            log.warning("no image: %s", exc, extra={"task_id": task.task_id})
            return None
        if image is not None and len(image) > chat.MAX_IMAGE_BYTES:
            log.warning("the image is longer than %d B, so it is not sent", chat.MAX_IMAGE_BYTES,
                        extra={"task_id": task.task_id})  # fmt: skip
            return None
        return image if image and image.startswith(_JPEG_START) else None

    async def _judge(self, case: Case) -> verdict.Verdict:
        """Ask until there is a verdict. Raises the error that cannot be helped."""
        ids = [o.object_id for o in case.task.objects]
        while True:
            reply = None
            try:
                if case.progress.withdrawn:
                    raise Withdrawn
                avoid = case.avoid | self._models.refusing(case.asked, self.clock())
                reply = await self._caller.call(case, avoid)
                return self._verdict(case, reply, ids)
            except DeadlinePassed:
                raise
            except ProviderError as exc:
                case.progress.calling = False
                case.last_error = exc
                spent = len(case.calls) >= _MAX_CALLS
                if spent or not await self._may_try_again(case, exc, reply):
                    raise

    def _verdict(self, case: Case, reply: chat.Reply, ids: Sequence[int]) -> verdict.Verdict:
        try:
            return verdict.parse(reply.text, ids, self.policy.thresholds)
        except BadAnswer as exc:
            error = self._why_no_verdict(case, reply, exc)
            case.last_was(error)
            raise error from exc

    def _why_no_verdict(self, case: Case, reply: chat.Reply, read: BadAnswer) -> ProviderError:
        if reply.ending == "cut_short":
            tokens = self.policy.sampling.with_room(case.room).max_tokens
            return CutShort(
                f"the answer was cut short at {tokens} tokens (provider.max_tokens): {read}"
            )
        if reply.ending == "refused":
            said = " ".join(reply.text.split())[:_MAX_SAID_CHARS] or "no reason given"
            return ContentRefused(f"the provider refuses to judge this group: {said}")
        return read

    async def _may_try_again(
        self, case: Case, error: ProviderError, reply: chat.Reply | None
    ) -> bool:
        """Change what has to change before another call; False if none would help."""
        match error:
            case BadAnswer():
                return self._ask_again(case, error, reply)
            case ParameterRefused():
                return True
            case ModelRefused():
                return self._leave_out_key(case, error)
            case BadRequest():
                return self._ask_the_next_model(case, error)
            case Throttled() | KeyRejected():
                case.avoid |= {case.key_id or ""}
                return True
            case _:
                return error.retryable and bool(case.calls) and await self._retry_later(case)

    def _ask_again(self, case: Case, error: BadAnswer, reply: chat.Reply | None) -> bool:
        """Once with more room for what was cut short, once with what was wrong."""
        if isinstance(error, CutShort):
            first, case.room = case.room == 1, _MORE_ROOM
            return first
        first, case.repaired = not case.repaired, True
        if reply is not None and reply.text:
            objection = prompt.repair(str(error), self.policy.language)
            case.earlier = chat.Exchange(reply.text, objection)
        return first

    def _ask_the_next_model(self, case: Case, error: BadRequest) -> bool:
        now = self.clock()
        if isinstance(error, ModelMissing):
            self._models.missing(case.asked, now)
            log.warning("model left out for a while: %s", error, extra={"model": case.asked})
        following = self._models.after(case.asked, now)
        case.asked = following or case.asked
        return following is not None

    def _leave_out_key(self, case: Case, error: ModelRefused) -> bool:
        """Another key may use the model; where none may, another model is asked."""
        now = self.clock()
        self._models.refused(case.asked, case.key_id or "", self.keys, now)
        if self._models.refusing(case.asked, now).issuperset(self.keys):
            return self._ask_the_next_model(case, error)
        return True

    async def _retry_later(self, case: Case) -> bool:
        case.failures += 1
        case.avoid |= {case.key_id or ""}
        if case.failures > self.policy.retries:
            return False
        await self._back_off(case)
        return True

    async def _back_off(self, case: Case) -> None:
        longest_s = max(0.0, case.deadline - self.clock())
        delay_s = _FIRST_BACKOFF_S * 2 ** (case.failures - 1) * self.rng.uniform(0.5, 1.5)
        await asyncio.sleep(min(delay_s, longest_s))

    def _end(
        self, case: Case, status: Status, found: verdict.Verdict | None, error: ProviderError | None
    ) -> RiskAssessment:
        now = datetime.now(UTC)
        result = ended(case, status, found, error=error, prices=self.policy.prices, now=now)
        self.metrics.assessments.labels(status).inc()
        if found:
            self.metrics.end_to_end_s.observe(result.latency.end_to_end_ms / 1000)
        return result
