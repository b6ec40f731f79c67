"""The scheduling daemon: assessment-tasks in, provider calls, risk-assessment-results out."""

import asyncio
import gc
import logging
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop

from streaming.errors import ConfigError
from streaming.kafka.admin import ensure_topics, wait_for_broker
from streaming.kafka.clients import consumer, producer
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.redis_client import connect_async, wait_for_redis
from streaming.scheduling import chat, prompt, verdict
from streaming.scheduling.assess import Assessor, Policy
from streaming.scheduling.case import Prices
from streaming.scheduling.desk import Desk, Signature
from streaming.scheduling.intake import Bounds, Intake, Route
from streaming.scheduling.key_pool import Cooldown, KeyPool, PoolKey
from streaming.scheduling.limits import Budget, MemoryLimits
from streaming.scheduling.provider import Provider
from streaming.scheduling.recall import BatchedImages, Batches, FinishedTasks
from streaming.scheduling.reporting import Reporter
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import ApiKey, Settings

log = logging.getLogger(__name__)

GROUP = "scheduling"

_METRICS_OFFSET = 2
_SPARE_CONNECTIONS = 4
_REDIS_WAIT_S = 30.0
_STOP_LOOK_S = 0.05


def run(settings: Settings, instance_id: str) -> None:
    """Assess tasks until SIGTERM or SIGINT; then finish the calls under way and return.

    Raises:
        ConfigError: no enabled key.
        ServiceError: Kafka or Redis is not there, or went away.
    """
    stop = stop_on_signals()
    keys_of(settings)
    wait_for_broker(settings.kafka)
    wait_for_redis(settings.redis, _REDIS_WAIT_S)
    ensure_topics(settings.kafka)
    metrics = Metrics()
    metrics.serve(settings.serving.host, settings.serving.metrics.port + _METRICS_OFFSET)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_assess_until(stop, settings, instance_id, metrics))


async def _assess_until(
    stop: threading.Event, settings: Settings, instance_id: str, metrics: Metrics
) -> None:
    async with AsyncExitStack() as stack:
        client = connect_async(settings.redis)
        stack.push_async_callback(client.aclose)
        batches = Batches(client)
        parts = await _open(stack, settings, BatchedImages(batches), metrics)
        intake = _intake(settings, instance_id, metrics)
        desk = Desk(
            parts.assessor,
            FinishedTasks(batches, settings.kafka.topics.assessment_tasks),
            intake.publish,
            Signature(settings.provider.model, prompt.version(settings.prompt.language)),
        )
        reporter = Reporter(parts.pool, parts.turnstile, client, metrics, instance_id)
        await reporter.resume()
        # What lives as long as the process is never looked at again: the collector's pauses
        # are the main source of jitter in what is sent (docs/scheduling.md).
        gc.collect()
        gc.freeze()
        intake.begin(desk)
        log.info("scheduling", extra={"keys": len(parts.assessor.keys), "instance": instance_id})
        reporting = asyncio.create_task(
            reporter.run(parts.provider, parts.assessor.keys, settings.provider.model)
        )
        stack.callback(reporting.cancel)
        while not (stop.is_set() or intake.ended.is_set()):  # noqa: ASYNC110 - set by a signal
            await asyncio.sleep(_STOP_LOOK_S)
        intake.stop()
        await intake.ended.wait()
        await reporter.write()
        if intake.error is not None:
            raise intake.error


@dataclass(frozen=True, slots=True)
class _Parts:
    pool: KeyPool
    turnstile: Turnstile
    provider: Provider
    assessor: Assessor


async def _open(
    stack: AsyncExitStack, settings: Settings, images: BatchedImages, metrics: Metrics
) -> _Parts:
    keys = keys_of(settings)
    concurrent = settings.scheduler.max_concurrent_tasks
    pool = pool_of(settings)
    turnstile = await stack.enter_async_context(
        Turnstile(pool, limits_of(keys), max_concurrent=concurrent)
    )
    provider = await stack.enter_async_context(
        Provider(settings.provider, max_connections=concurrent + _SPARE_CONNECTIONS)
    )
    assessor = Assessor(
        provider=provider,
        turnstile=turnstile,
        images=images,
        keys={key.id: key for key in keys},
        policy=policy_of(settings),
        notes={camera.id: camera.notes for camera in settings.cameras},
        metrics=metrics,
    )
    return _Parts(pool, turnstile, provider, assessor)


def _intake(settings: Settings, instance_id: str, metrics: Metrics) -> Intake:
    kafka, scheduler = settings.kafka, settings.scheduler
    return Intake(
        consumer(kafka, group=GROUP, instance_id=instance_id, enable_partition_eof=True),
        producer(kafka, client_id=f"{GROUP}-{instance_id}"),
        Route(kafka.topics.assessment_tasks.name, kafka.topics.risk_assessment_results.name),
        Bounds(
            scheduler.queue_size,
            kafka.consumer.max_poll_records,
            scheduler.task_timeout_seconds,
        ),
        metrics,
    )


def keys_of(settings: Settings) -> tuple[ApiKey, ...]:
    """The keys that may be used.

    Raises:
        ConfigError: there is none.
    """
    keys = tuple(key for key in settings.api_keys if key.enabled)
    if not keys:
        raise ConfigError("config/api_keys.yaml: api_keys has no enabled key; add one, or none "
                          "at all to use the simulator")  # fmt: skip
    return keys


def pool_of(settings: Settings) -> KeyPool:
    """All enabled keys, resting as `scheduler` says."""
    scheduler = settings.scheduler
    return KeyPool(
        [PoolKey(k.id, weight=min(k.qps_limit, k.rpm_limit / 60)) for k in keys_of(settings)],
        cooldown=Cooldown(
            adaptive=scheduler.adaptive_cooldown,
            fixed_s=scheduler.key_cooldown_seconds,
            min_s=scheduler.min_cooldown,
            max_s=scheduler.max_cooldown,
        ),
        strategy=scheduler.strategy,
    )


def limits_of(keys: tuple[ApiKey, ...]) -> MemoryLimits:
    """The limits of one process; keys of one account share them."""
    accounts = {key.id: key.account or key.id for key in keys}
    budgets: dict[str, Budget] = {}
    for key in keys:
        own = Budget(key.qps_limit, key.rpm_limit, key.tpm_limit)
        shared = budgets.get(accounts[key.id])
        budgets[accounts[key.id]] = own if shared is None else own.shared_with(shared)
    return MemoryLimits(accounts, budgets)


def policy_of(settings: Settings) -> Policy:
    """What the settings say of every task."""
    provider, confidence = settings.provider, settings.prompt.min_confidence
    return Policy(
        models=(provider.model, *provider.fallback_models),
        sampling=chat.Sampling(provider.max_tokens, provider.temperature),
        language=settings.prompt.language,
        thresholds=verdict.Thresholds(confidence.low, confidence.medium, confidence.high),
        retries=settings.scheduler.retry_max_attempts,
        call_timeout_s=settings.scheduler.timeout_seconds,
        task_timeout_s=settings.scheduler.task_timeout_seconds,
        prices=Prices(provider.price_per_1k_prompt_tokens, provider.price_per_1k_completion_tokens),
    )
