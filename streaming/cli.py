"""The `trafficmon` command. Heavy libraries are imported by the command that needs them."""

import importlib
import platform
import re
import sys

import click

from streaming.commands.backup import backup, restore
from streaming.commands.bench import bench
from streaming.commands.bench_detection import detection
from streaming.commands.bench_lake import lake, lake_kills
from streaming.commands.bench_pipeline import pipeline
from streaming.commands.bench_serving import aggregation, serving
from streaming.commands.bench_tasks import gate, kills, tasks
from streaming.commands.cameras import cameras
from streaming.commands.config import config
from streaming.commands.context import (
    console,
    settings_of,
    settings_to_start_with,
    table_or_json,
)
from streaming.commands.dlq import dlq
from streaming.commands.kafka import kafka
from streaming.commands.keys import keys
from streaming.commands.migrate import migrate
from streaming.commands.model import model
from streaming.commands.notify import notify
from streaming.commands.plan import plan
from streaming.commands.probe import probe
from streaming.commands.sql import sql
from streaming.commands.topics import topics
from streaming.errors import ConfigError, TrafficmonError

DAEMONS = ("detection", "tasks", "scheduling", "aggregation", "api", "simulator")
EMBEDDED = ("kafka", "redis")
DAGSTER = ("dagster-code", "dagster-webserver", "dagster-daemon")
LOG_FILES = {"api": "app", "detection": "app", "scheduling": "scheduler"}
_NAME = "trafficmon"
MODULES = {"api": "streaming.api.app", "simulator": "streaming.simulator.provider"}


def main(*first: str) -> None:
    """The entry point: an error that can be explained is one line and an exit code of its own.

    `first` are words before those of the command line: `python -m streaming.tasks` is
    `main("run", "tasks")`.
    """
    try:
        # What a command ends with (`click.exceptions.Exit`) is returned here, not raised.
        sys.exit(trafficmon.main([*first, *sys.argv[1:]], prog_name=_NAME, standalone_mode=False))
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except TrafficmonError as exc:
        for line in str(exc).splitlines():
            click.echo(f"{type(exc).__name__}: {line}", err=True)
        sys.exit(exc.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trafficmon")
def trafficmon() -> None:
    """Traffic cameras in, danger verdicts out."""


@trafficmon.command()
@click.option(
    "--duration",
    type=click.FloatRange(min=5),
    help="End by itself so many seconds after the first frame.",
)
def demo(duration: float | None) -> None:
    """The whole system on this machine, with a live table; Ctrl-C drains and stops it."""
    from streaming.demo.demo import demo as run_demo

    raise click.exceptions.Exit(
        run_demo(settings_to_start_with(), duration_s=duration, console=console)
    )


@trafficmon.command()
@click.option(
    "--timeout",
    "timeout_s",
    default=120.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds to wait until everything is ready.",
)
def up(timeout_s: float) -> None:
    """Start everything that is not running, and leave it running; returns when it is ready.

    Exit code 1 if something is not in time: what, and what it waits for, is said. A camera that
    gives no frames is said too, and is no failure.
    """
    from streaming.commands.running import bring_up

    raise click.exceptions.Exit(bring_up(settings_to_start_with(), timeout_s))


@trafficmon.command()
def down() -> None:
    """Drain and stop everything that `up` or `demo` started, also when a setting is wrong now."""
    from streaming import supervision
    from streaming.settings import folders

    try:
        settings = settings_of()
    except ConfigError:
        settings = folders()
    supervision.down(settings, console.print)


@trafficmon.command()
@table_or_json
def status(as_: str) -> None:
    """What runs, and whether it is ready; exit code 1 unless all of it is."""
    from streaming.commands.running import show_status

    raise click.exceptions.Exit(show_status(settings_of(), as_))


def _instance_id(_context: click.Context, _option: click.Parameter, text: str) -> str:
    name = platform.node() if text == "hostname" else text
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", name):
        raise click.BadParameter("letters, digits, dot, _ and - are what Kafka takes, up to 200")
    return name


@trafficmon.command()
@click.argument("daemon", type=click.Choice([*DAEMONS, *EMBEDDED, *DAGSTER]))
@click.option(
    "--instance-id",
    envvar="TRAFFICMON_INSTANCE_ID",
    default="1",
    show_default=True,
    callback=_instance_id,
    help="Tells instances apart; `hostname` takes this machine's or container's name.",
)
@click.option(
    "--engine",
    type=click.Choice(["python", "flink"]),
    default="python",
    show_default=True,
    help="tasks: what runs them.",
)
@click.option(
    "--target",
    type=click.Choice(["local", "remote", "kubernetes"]),
    default="local",
    show_default=True,
    help="flink: a cluster in this process, a session cluster, the operator.",
)
@click.option(
    "--flink-address",
    default="127.0.0.1:8081",
    show_default=True,
    help="flink, remote: the session cluster's REST address.",
)
@click.option(
    "--from-savepoint",
    metavar="PATH",
    help="flink: go on from a savepoint or checkpoint; `latest` takes the newest.",
)
@click.option(
    "--parallelism", default=2, show_default=True, type=click.IntRange(1, 1024), help="flink."
)
def run(
    *,
    daemon: str,
    instance_id: str,
    engine: str,
    target: str,
    flink_address: str,
    from_savepoint: str | None,
    parallelism: int,
) -> None:
    """One daemon in the foreground; SIGTERM drains it."""
    from streaming import logs

    settings = settings_of()
    if engine == "flink":
        if daemon != "tasks":
            raise click.UsageError(f"--engine flink runs tasks, not {daemon}")
        from streaming.tasks import flink

        submission = flink.Submission(target, flink_address, from_savepoint, parallelism)
        raise click.exceptions.Exit(flink.run(settings, submission, click.echo))
    if daemon in EMBEDDED:
        from streaming import embedded

        embedded.execute(daemon, settings)
    if daemon in DAGSTER:
        from streaming.supervision import dagster_parts

        dagster_parts.execute(daemon, settings)
    log_file = settings.logs_dir / f"{LOG_FILES.get(daemon, daemon)}.log"
    logs.configure(file=log_file, secrets=settings.secrets())
    module = importlib.import_module(MODULES.get(daemon, f"streaming.{daemon}.worker"))
    module.run(settings, instance_id)


for measurement in (
    aggregation, detection, gate, kills, lake, lake_kills, pipeline, serving, tasks,
):  # fmt: skip
    bench.add_command(measurement)
for command in (
    backup, bench, cameras, config, dlq, kafka, keys, migrate, model, notify, plan, probe, restore,
    sql, topics,
):  # fmt: skip
    trafficmon.add_command(command)

if __name__ == "__main__":
    main()
