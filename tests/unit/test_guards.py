"""What must stay true of the code as a whole: what is pure, what imports what, what is documented."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("streaming", "trafficmon_dagster")
    for path in sorted((ROOT / package).rglob("*.py"))
}

IMPURE = {
    "aiohttp", "asyncio", "click", "concurrent", "confluent_kafka", "dagster", "duckdb", "http",
    "logging", "multiprocessing", "onnxruntime", "openvino", "os", "prometheus_client", "psutil",
    "redis", "secrets", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess",
    "supervisor", "tempfile", "threading", "time", "torch", "ultralytics", "urllib.request",
    "uuid", "uvloop", "yaml",
}  # fmt: skip
"""Networks, disks, clocks, randomness, processes, logs."""

MUST_BE_PURE = {
    "streaming.aggregation.merge",
    "streaming.detection.grouping",
    "streaming.kafka.offsets",
    "streaming.scheduling.key_pool",
    "streaming.scheduling.limits",
    "streaming.scheduling.prompt",
    "streaming.scheduling.verdict",
    "streaming.tasks.decide",
    "streaming.tasks.gate",
    "streaming.tasks.plan",
    "streaming.tasks.write",
}
VALUES = ("streaming.errors", "streaming.messages", "streaming.settings", "streaming.redis_keys")
"""What a pure module may use besides other pure ones: values, no effects of their own."""
FUNCTIONS_ALLOWED = {
    "mask_url",  # of streaming.logs: text in, text out
    "next_traceparent",  # of streaming.tracing: the ids of a trace are random, and nothing else is
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def says_pure(path: Path) -> bool:
    return re.search(r"\bPure\b", ast.get_docstring(tree_of(path)) or "") is not None


PURE = {name: path for name, path in MODULES.items() if says_pure(path)}


def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a file imports, also inside its functions."""
    return {module for module, _ in imported_names(path)}


@cache
def imported_names(path: Path) -> tuple[tuple[str, str], ...]:
    """Module and name of every import; the name is empty where the module itself is imported."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append((whole, "") if whole in MODULES else (node.module, alias.name))
    return tuple(found)


def random_functions_used(path: Path) -> set[str]:
    """What a file takes from `random` besides the type of a generator that comes in."""
    names = {name for module, name in imported_names(path) if module == "random" and name}
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Attribute(value=ast.Name(id="random"), attr=attr) if ("random", "") in (
                imported_names(path)
            ):
                names.add(attr)
    return names - {"Random"}


def is_in(name: str, packages) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


# --- purity and direction -----------------------------------------------------------------------


def test_the_cores_say_that_they_are_pure():
    assert not MUST_BE_PURE - PURE.keys()


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_module_that_says_it_is_pure_has_no_effects(name):
    path = PURE[name]
    assert not {i for i in imports_of(path) if is_in(i, IMPURE)}
    assert not random_functions_used(path)
    from_ours = {
        (module, what)
        for module, what in imported_names(path)
        if is_in(module, ("streaming",)) and not is_in(module, VALUES) and module not in PURE
    }
    # Of a module with effects, its types and constants only.
    assert not {(m, w) for m, w in from_ours if not w[:1].isupper() and w not in FUNCTIONS_ALLOWED}


FLINK_RUNS = (
    "streaming.messages",
    "streaming.tasks.decide",
    "streaming.tasks.gate",
    "streaming.tasks.plan",
    "streaming.tasks.write",
)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if is_in(n, FLINK_RUNS)))
def test_what_flink_runs_needs_only_the_standard_library_and_msgspec(name):
    roots = {i.split(".")[0] for i in imports_of(MODULES[name])}
    assert roots - sys.stdlib_module_names <= {"msgspec", "streaming"}
    ours = {i for i in imports_of(MODULES[name]) if is_in(i, ("streaming",))}
    assert all(is_in(i, ("streaming.errors", *FLINK_RUNS)) for i in ours)


@pytest.mark.parametrize("name", sorted(n for n in MODULES if is_in(n, ("streaming",))))
def test_streaming_never_imports_dagster_or_what_is_built_on_it(name):
    assert not {i for i in imports_of(MODULES[name]) if is_in(i, ("trafficmon_dagster", "dagster"))}


def test_only_the_settings_read_the_environment():
    readers = {
        name
        for name, path in MODULES.items()
        if not is_in(name, ("streaming.settings",))
        and re.search(
            r"\bgetenv\(|os\.environ\.get\(|os\.environ\[[^\]]+\](?! *=)", path.read_text("utf-8")
        )
    }
    assert readers <= MAY_READ_THE_ENVIRONMENT.keys()


MAY_READ_THE_ENVIRONMENT = {
    "streaming.lifecycle": "systemd says there where it is to be told that a daemon works",
    "streaming.supervision.alone": "finds processes of ours by a mark in their environment",
    "streaming.supervision.programs": "hands the folder of the settings on to the daemons",
}


def test_only_these_change_the_environment_of_their_process():
    """A child is given its own: what one module changes, every later child and test has."""
    changes = re.compile(r"environ\[[^\]]+\] *=|environ\.(update|setdefault|pop|clear)\(|putenv\(")
    writers = {name for name, path in MODULES.items() if changes.search(path.read_text("utf-8"))}
    assert writers <= MAY_CHANGE_THE_ENVIRONMENT.keys()


MAY_CHANGE_THE_ENVIRONMENT = {
    "streaming.detection.model_files": "while ultralytics is imported, and restores it",
    "streaming.detection.sources.captures": "OpenCV reads it at every opening, and nothing else",
    "streaming.supervision.alone": "becomes another program, which is known by it",
    "streaming.supervision.dagster_parts": "becomes Dagster, which reads its folder there",
}


CLIENTS = {"AdminClient", "Consumer", "Producer", "DeserializingConsumer", "SerializingProducer"}
MAKE_CLIENTS = {"streaming.kafka.clients", "streaming.kafka.checked", "streaming.kafka.connection"}


def test_every_kafka_client_signs_in_as_the_settings_say():
    makers, addressing = set(), set()
    for name, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(func=ast.Name(id=called)) if called in CLIENTS:
                    makers.add(name)
                case ast.Constant(value="bootstrap.servers"):
                    addressing.add(name)
    assert makers <= MAKE_CLIENTS
    assert addressing == {"streaming.kafka.security"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("trafficmon_dagster.definitions", {"cv2", "torch", "ultralytics", "openvino"}),
        ("streaming.cli", {"cv2", "torch", "ultralytics", "dagster", "duckdb", "confluent_kafka"}),
        ("streaming.settings", {"aiohttp", "redis", "confluent_kafka", "numpy", "cv2"}),
        ("streaming.messages", {"pydantic", "yaml", "redis", "confluent_kafka", "numpy"}),
    ],
)
def test_an_import_does_not_load_what_it_does_not_need(module, never):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert not never & set(done.stdout.split())


# --- text ---------------------------------------------------------------------------------------

# Written in pieces, so that this file does not hold what it looks for.
HOME_FOLDERS = re.compile(
    r"(?<![\w.~:/$}])/(?:" + "|".join(["work", "root", "home"]) + r")/(?!(?:me|x|you|somebody)\b)\w"
)
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("repo1", "maven", "org"),
            ("repo", "maven", "apache", "org"),
            ("conda", "anaconda", "org"),
            ("proxy", "golang", "org"),
            ("pypi", "tuna"),
        )
    )
)


@cache
def texts() -> dict[str, str]:
    """Every text file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    found = {}
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 2_000_000:
            raw = path.read_bytes()
            if b"\0" not in raw:
                found[name] = raw.decode(errors="replace")
    return found


@pytest.mark.needs("git")
@pytest.mark.parametrize("pattern", [HOME_FOLDERS, REGISTRIES], ids=["folders", "registries"])
def test_no_file_names_a_developers_folder_or_a_package_registry(pattern):
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


# --- tests ---------------------------------------------------------------------------------------


def test_only_a_named_need_skips_a_test():
    """By tests/needs.py alone CI can fail where a program is missing, and a bare machine skip."""
    skips = re.compile(r"pytest\.skip\(|mark\.skip|importorskip|unittest\.skip")
    own = {ROOT / "tests" / "conftest.py", Path(__file__)}
    files = set((ROOT / "tests").rglob("*.py")) - own
    assert not [str(f) for f in sorted(files) if skips.search(f.read_text(encoding="utf-8"))]


def test_what_tests_need_is_known_by_name():
    from tests.needs import NEEDS

    marks = re.compile(r"mark\.needs\(([^)]*)\)")
    texts = [f.read_text(encoding="utf-8") for f in (ROOT / "tests").rglob("test_*.py")]
    named = {
        name for t in texts for arg in marks.findall(t) for name in re.findall(r'"(.*?)"', arg)
    }
    assert "kcat" in named
    assert not named - NEEDS.keys()


# --- documentation ------------------------------------------------------------------------------


@cache
def documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def undocumented(names) -> list[str]:
    """Names that no page holds as a whole word."""
    text = documentation()
    return [n for n in names if not re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text)]


def test_every_topic_is_documented():
    from streaming.settings import load

    topics = load(environ={}).kafka.topics
    own = [t.name for t in topics.all() if not t.name.endswith(".dlq")]
    assert len(own) == 5
    assert not undocumented(own)
    assert "<topic>.dlq" in documentation()


def test_every_metric_is_documented():
    from streaming.metrics import Metrics

    names = [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
    ]
    assert "detection_total" in names
    assert not undocumented(names)


def test_every_command_is_documented_with_its_options():
    from streaming.commands import document

    assert (ROOT / document.PAGE).read_text(encoding="utf-8") == document.page(), (
        "run `python -m streaming.commands.document`"
    )
    assert "trafficmon demo" in document.page()


def test_every_command_and_option_says_what_it_does():
    from streaming.cli import trafficmon
    from streaming.commands.document import commands

    for words, command in commands(trafficmon, "trafficmon"):
        assert command.help, words
        silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert not set(silent) - {"as_", "frames"}, words


def test_every_http_route_is_documented():
    from streaming.api.app import build
    from streaming.settings import load

    routes = {
        (route.method, route.resource.canonical)
        for route in build(load(environ={})).router.routes()
        if route.resource and route.method not in {"HEAD", "OPTIONS"}
    }
    assert ("GET", "/api/scheduler/stats") in routes
    paths = {path for _, path in routes if path not in {"/", "/wall"}}
    assert not [path for path in sorted(paths) if path not in documentation()]
    writing = {f"{method} {path}" for method, path in routes if method != "GET"}
    assert not [route for route in sorted(writing) if route not in documentation()]


def test_every_dagster_asset_is_documented():
    from trafficmon_dagster.definitions import defs

    keys = {key.path[-1] for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert "kafka_topics" in keys
    assert not undocumented(sorted(keys))


# --- connections --------------------------------------------------------------------------------

_MAKES_A_CLIENT = re.compile(
    r"\bredis(?:\.asyncio)?\.(?:Redis|StrictRedis|RedisCluster|ConnectionPool)\b\s*[.(]"
    r"|\b(?:Redis|RedisCluster|Sentinel|ConnectionPool)\.from_\w+\(|\bRedis(?:Cluster)?\("
)


def test_one_module_makes_every_connection_to_redis():
    """So that TLS, users, Sentinels and Clusters hold for all of them."""
    found = {n for n, path in MODULES.items() if _MAKES_A_CLIENT.search(path.read_text("utf-8"))}
    assert "streaming.redis_client" in found
    assert found <= {"streaming.redis_client"}
