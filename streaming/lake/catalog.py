"""Opening the lake: DuckLake through the packaged extensions, so nothing is downloaded."""

import importlib.util
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from streaming.errors import ConfigError, ServiceError
from streaming.logs import mask_url
from streaming.settings import Settings

ALIAS = "lake"
BUSY_TIMEOUT_MS = 5_000
OPEN_WITHIN_S = 30.0


class LakeUnavailable(ServiceError):
    """The lake cannot be opened, or a change to it found no free moment."""


def connect(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection of its own with the lake attached as `lake` and in use.

    A writer's first connection creates the catalog; its tables come with
    `streaming.lake.schema.ensure_schema`. Readers and writers may be many, in many
    processes. Close it after use.

    Raises:
        LakeUnavailable: there is no lake yet (reading), or it stayed busy for 30 s.
        ConfigError: `lake.catalog` is of a kind whose extension is not installed.
    """
    catalog = catalog_address(settings)
    kind, _, place = catalog.partition(":")
    if kind == "sqlite":
        if read_only and not Path(place).exists():
            raise LakeUnavailable(f"no lake at {place} yet; `trafficmon demo` or `up` fills one")
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    con = duck(settings)
    try:
        extensions = ["sqlite_scanner" if kind == "sqlite" else "postgres_scanner", "ducklake"]
        extensions += ["httpfs"] if data_path(settings).startswith("s3://") else []
        for extension in extensions:
            con.execute(f"LOAD '{extension_file(extension)}'")
        # To check the signatures of these 70 MB took 0.4 s of every connection; pip has checked
        # the packages' hashes. What a question loads must be signed.
        con.execute("SET allow_unsigned_extensions = false")
        if data_path(settings).startswith("s3://"):
            _reach_storage(con, settings)
        _attach(con, catalog, data_path(settings), read_only=read_only)
        con.execute(f"USE {ALIAS}")
    except BaseException:
        con.close()
        raise
    return con


def duck(settings: Settings, file: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """A DuckDB of `lake.memory_limit` and `lake.threads`, in memory or in a file.

    Every connection of ours is opened here.
    """
    # One of its own: two connections would write into the same files of the folder we are in.
    spill = Path(tempfile.gettempdir()) / f"trafficmon-duckdb-{uuid.uuid4().hex[:12]}"
    lake = settings.lake
    limits = {"memory_limit": lake.memory_limit, "threads": lake.threads}
    # Ours are loaded unsigned: `connect` says why.
    config = limits | {"temp_directory": str(spill), "allow_unsigned_extensions": "true"}
    con = duckdb.connect(file, config=config)
    # Times in the lake are UTC. In the machine's zone `now()` and `today()` would be hours away
    # from them, and west of UTC a file that was merged a moment ago would look hours old.
    con.execute("SET TimeZone = 'UTC'")
    return con


@contextmanager
def opened(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """`connect`, closed in the end.

    Raises:
        LakeUnavailable: also where the data files cannot be read or written in the meantime.
    """
    con = connect(settings, read_only=read_only)
    try:
        yield con
    except duckdb.IOException as exc:
        if not of_the_files(settings, exc):
            raise
        where = f"{data_path(settings)} (lake.data_path"
        where += ", by lake.s3)" if where.startswith("s3://") else ")"
        reason = str(exc).splitlines()[0]
        raise LakeUnavailable(f"{where} cannot be read or written: {reason}") from exc
    finally:
        con.close()


def of_the_files(settings: Settings, exc: duckdb.Error) -> bool:
    """Whether an error is of the lake's own files, and not of a file that a query named."""
    path = data_path(settings)
    place = f"{settings.lake.s3.endpoint}/" if path.startswith("s3://") else path
    return isinstance(exc, duckdb.IOException) and (place in str(exc) or path in str(exc))


def lost_race(exc: BaseException) -> bool:
    """Whether another process was first, so that the same thing may succeed when tried again."""
    if isinstance(exc, duckdb.TransactionException):
        return True
    # DuckLake passes on what SQLite says as an error of no particular class.
    return isinstance(exc, duckdb.Error) and any(
        text in str(exc) for text in ("database is locked", "database schema is locked")
    )


def catalog_address(settings: Settings) -> str:
    """`sqlite:<file>` or `postgres:<connection string>`, whatever way it was written."""
    text = str(settings.lake.catalog or settings.state_dir / "lake" / "catalog.sqlite")
    for prefix in ("postgres://", "postgresql://"):
        if text.startswith(prefix):
            return f"postgres:{text}"
    if text.startswith("postgres:"):
        return text
    return f"sqlite:{Path(text.removeprefix('sqlite:')).absolute()}"


def data_path(settings: Settings) -> str:
    """The folder of the Parquet files, local or in object storage."""
    # Absolute, since the catalog keeps it and processes start in folders of their own.
    path = str(settings.lake.data_path or settings.state_dir / "lake" / "data")
    return path if "://" in path else str(Path(path).absolute())


def _reach_storage(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    s3 = settings.lake.s3
    options = {
        "ENDPOINT": s3.endpoint,
        "REGION": s3.region,
        "URL_STYLE": "path" if s3.path_style else "vhost",
        "USE_SSL": str(s3.use_ssl).lower(),
    }
    if s3.key_id and s3.secret:
        options |= {"KEY_ID": s3.key_id, "SECRET": s3.secret.get_secret_value()}
    listed = ", ".join(f"{name} {_quoted(value)}" for name, value in options.items())
    con.execute(f"CREATE SECRET storage (TYPE s3, {listed})")


def _attach(con: duckdb.DuckDBPyConnection, catalog: str, data: str, *, read_only: bool) -> None:
    # Rows in the catalog vanish for readers while they become files: none are put there.
    options = [f"DATA_PATH {_quoted(data)}", "DATA_INLINING_ROW_LIMIT 0"]
    options += ["READ_ONLY"] if read_only else []
    if catalog.startswith("sqlite:"):
        # WAL: readers and the writer do not wait for each other.
        options += [f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}"]
        options += [] if read_only else ["META_JOURNAL_MODE 'WAL'"]
    statement = f"ATTACH {_quoted(f'ducklake:{catalog}')} AS {ALIAS} ({', '.join(options)})"
    attempts = Retrying(
        retry=retry_if_exception(lost_race),
        stop=stop_after_delay(OPEN_WITHIN_S),
        wait=wait_random_exponential(multiplier=0.05, max=1.0),
        reraise=True,
    )
    try:
        attempts(con.execute, statement)
    except duckdb.Error as exc:
        raise LakeUnavailable(mask_url(f"{catalog} (lake.catalog) does not open: {exc}")) from exc


def extension_file(name: str) -> Path:
    """Where the package of one of DuckDB's extensions keeps it.

    Raises:
        ConfigError: that package is not installed.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise ConfigError(f"lake.catalog needs the package {package}: pip install {package}")
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
