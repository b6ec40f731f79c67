"""A PostgreSQL of one test's own, of Debian's packages; the server never runs as root."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.embedded import ports
from tests.needs import program
from tests.waiting import eventually


@contextmanager
def own_postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    """Makes an empty database of a name; its address, as `lake.catalog` takes it."""
    user = None
    if os.geteuid() == 0:
        user = "postgres" if _exists("postgres") else "nobody"
        shutil.chown(folder, user)
    port, data = ports.any_free(), folder / "data"
    initdb = [str(program("initdb")), "-D", str(data), "-U", "lake", "-A", "trust", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
    options = ["-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    options += ["-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    log = (folder / "log").open("wb")
    with subprocess.Popen(
        [str(program("postgres")), *options], stdout=log, stderr=log, user=user, cwd=folder
    ) as server:
        try:
            ready = [str(program("pg_isready")), "-h", "127.0.0.1", "-p", str(port), "-q"]
            eventually(lambda: subprocess.run(ready, check=False).returncode == 0)

            def database(name: str) -> str:
                place = ["-h", "127.0.0.1", "-p", str(port), "-U", "lake"]
                subprocess.run([str(program("createdb")), *place, name], check=True)
                return f"postgres:dbname={name} host=127.0.0.1 port={port} user=lake"

            yield database
        finally:
            server.send_signal(signal.SIGINT)  # fast: it waits for no client


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
