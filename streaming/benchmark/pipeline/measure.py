"""One report: what was seen of a stack, as figures and findings."""

from dataclasses import asdict
from typing import Any

from streaming.benchmark.pipeline.figures import figures
from streaming.benchmark.pipeline.findings import Expected, findings
from streaming.benchmark.pipeline.load import Load
from streaming.benchmark.pipeline.observe import Observed, Progress, Watching, observe
from streaming.benchmark.pipeline.places import as_report, places
from streaming.benchmark.pipeline.stack import allowed_per_s, stack
from streaming.benchmark.pipeline.usage import lag_over_time, resources
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler.measure import interruptible
from streaming.benchmark.scheduler.surroundings import Say
from streaming.errors import ServiceError
from streaming.settings import Settings


def measure(settings: Settings, load: Load, say: Say, progress: Progress) -> Report:
    """The report, with one result.

    Raises:
        ServiceError: something is not there and cannot be started, ended meanwhile, or gives
            no frame.
    """
    with interruptible(), stack(settings, load, say) as found:
        commands = load.commands(found.prefix)
        watching = Watching(
            cameras=frozenset(command.camera_id for command in commands),
            added=commands,
            interval_s=load.interval_s,
            warm_up_s=load.warm_up_s,
            duration_s=load.duration_s,
            start_timeout_s=load.start_timeout_s,
        )
        say(f"{load.cameras} cameras: starting")
        observed = observe(found, watching, say, progress)
        if not observed.ledger.frames:
            raise ServiceError(f"no camera of {load.cameras} gave a frame; see logs/app.log")
        result = result_of(observed, found.settings)
        return Report("pipeline", _about(found.settings, load), [result])


def result_of(observed: Observed, settings: Settings) -> dict[str, Any]:
    """All figures, and what they say."""
    ledger, window, samples = observed.ledger, observed.window, observed.samples
    found = places(ledger)
    lags = lag_over_time(samples, window.begin_s)
    result = {
        **figures(ledger, window),
        "http_429": observed.http_429,
        "lag_end": lags[-1]["all"] if lags else None,
        "lag_over_time": lags,
        "left_on_partitions": as_report(found),
        "resources": resources(samples, window.begin_s, window.end_s),
    }
    ours, providers = result["end_to_end_ms"], result["provider_ms"]
    if ours and providers:
        result["p95_above_provider_ms"] = round(ours["p95"] - providers["p95"], 1)
    return result | {"findings": findings(result, found, _expected(settings))}


def _expected(settings: Settings) -> Expected:
    median = settings.simulator.latency_median_ms if settings.simulated else None
    return Expected(median, allowed_per_s(settings), settings.scheduler.max_concurrent_tasks)


def _about(settings: Settings, load: Load) -> dict[str, Any]:
    """What the figures depend on, besides the machine."""
    detection, topics = settings.detection, settings.kafka.topics
    return asdict(load) | {
        "allowed_calls_per_s": round(allowed_per_s(settings), 2),
        "api_keys": len([key for key in settings.api_keys if key.enabled]),
        "provider_model": settings.provider.model,
        "provider_latency_median_ms": settings.simulator.latency_median_ms
        if settings.simulated
        else None,
        "max_concurrent_tasks": settings.scheduler.max_concurrent_tasks,
        "task_deadline_s": settings.scheduler.task_deadline_s,
        "partitions": topics.assessment_tasks.partitions,
        "linger_ms": settings.kafka.producer.linger_ms,
        "detection_model": detection.model,
        "runtime": detection.runtime,
        "image_size_px": detection.image_size_px,
        "batch_size": detection.batch_size,
    }
