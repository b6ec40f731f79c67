"""The scheduling daemon: assessment-tasks in, provider calls, risk-assessment-results out."""

import asyncio
import gc
import logging
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import uvloop

from streaming.kafka.admin import ensure_topics, wait_for_broker
from streaming.kafka.clients import consumer, producer
from streaming.kafka.refusals import Right
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.readiness import GROUP_SEAT, Readiness
from streaming.redis_client import connect_async, wait_for_redis
from streaming.scheduling import camera_notes, chat, prompt, verdict
from streaming.scheduling.assess import Assessor, Policy
from streaming.scheduling.batches import batches
from streaming.scheduling.case import Prices
from streaming.scheduling.desk import Desk, Signature
from streaming.scheduling.intake import Bounds, Intake, Route
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_ring import KeyRing
from streaming.scheduling.keys import enabled, pacing_of, pool_of
from streaming.scheduling.probing import Prober
from streaming.scheduling.provider import Provider
from streaming.scheduling.recall import BatchedImages, FinishedTasks
from streaming.scheduling.redis_limits import RedisLimits
from streaming.scheduling.reporting import Reporter
from streaming.scheduling.shared_limits import SharedLimits
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import Settings
from streaming.settings.watch import SettingsWatch, watch_keys

log = logging.getLogger(__name__)

GROUP = "scheduling"

_METRICS_OFFSET = 2
_SPARE_CONNECTIONS = 4
_REDIS_WAIT_S = 30.0
_LIMITS_TIMEOUT_S = 0.5
_STOP_LOOK_S = 0.25


def run(settings: Settings, instance_id: str) -> None:
    """Assess tasks until SIGTERM or SIGINT; then finish the calls under way and return.

    Raises:
        ConfigError: no enabled key.
        ServiceError: Kafka or Redis is not there, or went away.
    """
    stop = stop_on_signals()
    enabled(settings)
    wait_for_broker(settings.kafka)
    wait_for_redis(settings.redis, _REDIS_WAIT_S)
    ensure_topics(settings.kafka)
    metrics = Metrics()
    readiness = Readiness.of(settings, GROUP, instance_id, GROUP_SEAT)
    metrics.serve(
        settings.serving.metrics.host, settings.serving.metrics.port + _METRICS_OFFSET, readiness
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_assess_until(stop, settings, instance_id, metrics, readiness))


async def _assess_until(
    stop: threading.Event,
    settings: Settings,
    instance_id: str,
    metrics: Metrics,
    readiness: Readiness,
) -> None:
    async with AsyncExitStack() as stack:
        client = connect_async(settings.redis)
        stack.push_async_callback(client.aclose)
        keys = await _open_keys(stack, settings, instance_id, metrics)
        provider = await stack.enter_async_context(
            Provider(
                settings.provider,
                max_connections=settings.scheduler.max_concurrent_tasks + _SPARE_CONNECTIONS,
            )
        )
        batched = batches(client)
        assessor = _assessor(settings, provider, keys, BatchedImages(batched), metrics)
        intake = _intake(settings, instance_id, metrics)
        desk = Desk(
            assessor,
            FinishedTasks(batched, settings.kafka.topics.assessment_tasks),
            intake.publish,
            Signature(settings.provider.model, prompt.version(settings.prompt.spoken)),
        )
        model = settings.provider.model
        reporter = Reporter(
            keys.pool, keys.turnstile, keys.limits, client, metrics,
            model=model, instance_id=instance_id,
        )  # fmt: skip
        await reporter.resume()
        prober = Prober(keys.pool, keys.turnstile, provider, keys.ring.secrets, model)
        watch = watch_keys(settings, lambda problem: log.error("settings: %s", problem))

        def on_round() -> None:
            prober.begin_due()
            _follow(watch, keys)

        _quiet_collector()
        _end_with_the_first_bug(intake)
        intake.joined = lambda: readiness.reached(GROUP_SEAT)
        intake.begin(desk)
        about = {"keys": len(keys.ring.secrets), "language": settings.prompt.spoken}
        log.info("scheduling", extra={"instance": instance_id, **about})
        for task in (
            asyncio.create_task(reporter.run(on_round)),
            asyncio.create_task(keys.limits.watch()),
            asyncio.create_task(camera_notes.follow(settings, assessor.notes)),
        ):
            stack.callback(task.cancel)
        while not (stop.is_set() or intake.ended.is_set()):  # noqa: ASYNC110 - set by a signal
            await asyncio.sleep(_STOP_LOOK_S)
        intake.stop()
        await intake.ended.wait()
        await reporter.write()
        if intake.error is not None:
            raise intake.error


def _quiet_collector() -> None:
    """The collector's pauses are the main source of jitter in what is sent.

    At 1,000 calls/s default collection cost 1,097 refused calls, `gc.freeze()` 5, off 0
    (docs/scheduling.md). What lives as long as the process is never looked at again; the
    `Reporter` looks through the rest.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def _end_with_the_first_bug(intake: Intake) -> None:
    """A callback that fails is a bug of ours, and slots might never be given again.

    So the daemon ends, its supervisor starts it, and its tasks are delivered again.
    """

    def on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        if "handle" in context and isinstance(error, Exception):
            intake.error = error

    asyncio.get_running_loop().set_exception_handler(on_error)


@dataclass(frozen=True, slots=True)
class _Keys:
    pool: KeyPool
    limits: SharedLimits
    turnstile: Turnstile
    ring: KeyRing


async def _open_keys(
    stack: AsyncExitStack, settings: Settings, instance_id: str, metrics: Metrics
) -> _Keys:
    # A connection of their own, that gives up early: a slot is worth nothing when it is late.
    hasty = settings.redis.model_copy(update={"timeout_s": _LIMITS_TIMEOUT_S})
    client = connect_async(hasty, retries=0)
    stack.push_async_callback(client.aclose)
    pacing, lease_s = pacing_of(settings), settings.scheduler.timeout_seconds + _LIMITS_TIMEOUT_S
    pool = pool_of(settings)
    limits = SharedLimits(
        RedisLimits(client, instance_id, pacing, lease_s=lease_s),
        pacing,
        lease_s=lease_s,
        on_change=metrics.limits_shared.set,
    )
    ring = KeyRing(pool, limits)
    ring.put(enabled(settings))
    turnstile = await stack.enter_async_context(
        Turnstile(pool, limits, max_concurrent=settings.scheduler.max_concurrent_tasks)
    )
    return _Keys(pool, limits, turnstile, ring)


def _follow(watch: SettingsWatch, keys: _Keys) -> None:
    changed = watch.changed()
    if changed is not None:
        keys.ring.follow(changed)
        keys.turnstile.keys_changed()


def _assessor(
    settings: Settings, provider: Provider, keys: _Keys, images: BatchedImages, metrics: Metrics
) -> Assessor:
    return Assessor(
        provider=provider,
        turnstile=keys.turnstile,
        images=images,
        keys=keys.ring.secrets,
        policy=policy_of(settings),
        notes=camera_notes.configured_notes(settings.cameras),
        metrics=metrics,
    )


def _intake(settings: Settings, instance_id: str, metrics: Metrics) -> Intake:
    kafka, scheduler = settings.kafka, settings.scheduler
    results = kafka.topics.risk_assessment_results.name
    return Intake(
        consumer(kafka, group=GROUP, instance_id=instance_id, enable_partition_eof=True),
        producer(
            kafka, client_id=f"{GROUP}-{instance_id}", rights=(Right("WRITE", "topic", results),)
        ),
        Route(kafka.topics.assessment_tasks.name, results),
        Bounds(
            scheduler.queue_size,
            kafka.consumer.max_poll_records,
            scheduler.task_timeout_seconds,
        ),
        metrics,
    )


def policy_of(settings: Settings) -> Policy:
    """What the settings say of every task."""
    provider, confidence = settings.provider, settings.prompt.min_confidence
    return Policy(
        models=(provider.model, *provider.fallback_models),
        sampling=chat.Sampling(provider.max_tokens, provider.temperature),
        language=settings.prompt.spoken,
        thresholds=verdict.Thresholds(confidence.low, confidence.medium, confidence.high),
        retries=settings.scheduler.retry_max_attempts,
        call_timeout_s=settings.scheduler.timeout_seconds,
        task_timeout_s=settings.scheduler.task_timeout_seconds,
        prices=Prices(provider.price_per_1k_prompt_tokens, provider.price_per_1k_completion_tokens),
        hedge_share=settings.scheduler.hedge_share,
    )
