"""`trafficmon backup` and `trafficmon restore`."""

import os
from pathlib import Path

import click

from streaming.commands.context import settings_of


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path())
@click.option("--data", is_flag=True, help="The lake's Parquet files too; they may be large.")
def backup(*, target: Path, data: bool) -> None:
    """Settings, the lake's catalog and Dagster's runs and schedules into one file.

    TARGET is a file or a folder. The file holds keys and passwords as the settings do: only its
    owner can read it. Everything may run meanwhile. Kafka and Redis are not in it: their
    contents are the work of minutes.
    """
    from streaming.backup import back_up
    from streaming.settings import config_folder

    file, manifest = back_up(
        settings_of(), config_folder(None, os.environ), target.absolute(), with_data=data
    )
    size = file.stat().st_size / 1e6
    click.echo(f"{file}: {len(manifest.files)} files, {size:.1f} MB, readable by its owner alone")
    for line in manifest.left_out:
        click.echo(f"not in it: {line}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(*, file: Path) -> None:
    """Put a backup back, after it was found whole; everything must be stopped.

    Where things go is by its own settings, with the variables of today. What was there is kept in
    a folder that the command names. A backup of a newer version is refused.
    """
    from streaming.backup import restore as put_back
    from streaming.settings import config_folder

    done = put_back(config_folder(None, os.environ).absolute(), file, os.environ)
    made = done.manifest
    click.echo(f"Restored {len(made.files)} files of {made.made_at}, Trafficmon {made.version}")
    if done.kept is not None:
        click.echo(f"What was there before: {done.kept}")
