"""server.properties of the embedded broker. Pure."""

from pathlib import Path

from streaming.embedded.ports import LOOPBACK

# Measured in docs/decisions: what a laptop should carry. Retention by bytes bounds the three
# 16-partition topics to 3 GiB in all, whatever their retention in time allows.
_BOUNDS = {
    "log.segment.bytes": 16 << 20,
    "log.retention.bytes": 64 << 20,
    "log.retention.check.interval.ms": 60_000,
    "log.segment.delete.delay.ms": 10_000,
    "log.index.size.max.bytes": 1 << 20,
    "log.cleaner.dedupe.buffer.size": 16 << 20,
    "offsets.topic.segment.bytes": 8 << 20,
    "transaction.state.log.segment.bytes": 8 << 20,
    "metadata.log.segment.bytes": 8 << 20,
    "metadata.max.retention.bytes": 32 << 20,
    "metadata.max.idle.interval.ms": 5_000,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    # A killed broker's registration must run out before its successor is let in: with the
    # default of 9 s it is back after 15 s.
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
}


def render(data: Path, port: int, controller_port: int) -> str:
    """The whole file, for a broker that keeps its records in `data`."""
    host = LOOPBACK
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{host}:{controller_port}",
        "listeners": f"PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": escaped(str(data)),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in (settings | _BOUNDS).items())


def escaped(text: str) -> str:
    """A value as java.util.Properties reads it back (backslash, and ISO 8859-1 only)."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return "".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in escaped)
