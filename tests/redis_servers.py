"""Redis as production has it: a Cluster, a master with Sentinels, TLS and users. All real.

with started(folder, "--appendonly", "no") as server: ...
with cluster(folder) as nodes: ...
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.crc import key_slot

from streaming.embedded import ports
from streaming.embedded import redis as embedded
from tests.waiting import eventually

_START_S = 60.0
_SLOTS = 16_384


@dataclass
class Server:
    """One process; `arguments` are as on redis-server's command line."""

    folder: Path
    arguments: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    port: int = 0
    login: dict[str, object] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        words = self.program or (str(embedded.binary()),)
        plain = () if "--tls-port" in self.arguments else ("--port", str(self.port))
        tls = [str(self.port) if word == "PORT" else word for word in self.arguments]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*words, *plain, "--bind", "127.0.0.1", "--dir", str(self.folder), *tls],
                stdout=log,
                stderr=log,
            )
        eventually(self.answers, _START_S)

    def answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.folder / "log").read_text()[-2_000:]
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=5, **self.login)  # type: ignore[arg-type]

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)


def _free_port() -> int:
    """One whose Cluster port, 10,000 above it, is free too."""
    while True:
        port = ports.any_free()
        bus = port + 10_000
        if bus < 65_536 and not ports.is_listening(bus, ports.LOOPBACK):
            return port


@contextmanager
def started(
    folder: Path, *arguments: str, login: dict[str, object] | None = None
) -> Iterator[Server]:
    server = Server(folder, ("--save", "", *arguments), login=login or {})
    try:
        server.start()
        yield server
    finally:
        server.kill()


@dataclass
class Nodes:
    """A Cluster of three masters."""

    servers: Sequence[Server]

    @property
    def url(self) -> str:
        return "redis-cluster://" + ",".join(f"127.0.0.1:{s.port}" for s in self.servers)

    def empty(self) -> None:
        for server in self.servers:
            with server.client() as client:
                client.flushall()

    def keys(self) -> int:
        found = 0
        for server in self.servers:
            with server.client() as client:
                found += client.dbsize()
        return found

    def owner(self, slot: int) -> Server:
        with self.servers[0].client() as client:
            for first, last, (_, port, *_more), *_replicas in _slots(client):
                if first <= slot <= last:
                    return next(s for s in self.servers if s.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    def begin_move(self, key: str) -> "Move":
        """Have the slot of this key on its way to another node, with nothing moved yet."""
        slot = key_slot(key.encode())
        source = self.owner(slot)
        target = next(s for s in self.servers if s is not source)
        move = Move(self, slot, source, target)
        move.ask(target, "SETSLOT", slot, "IMPORTING", move.id_of(source))
        move.ask(source, "SETSLOT", slot, "MIGRATING", move.id_of(target))
        return move


@dataclass
class Move:
    """A slot on its way, as redis-cli moves one."""

    nodes: Nodes
    slot: int
    source: Server
    target: Server

    def id_of(self, server: Server) -> str:
        with server.client() as client:
            return client.execute_command("CLUSTER", "MYID").decode()

    def ask(self, server: Server, *words: object) -> object:
        with server.client() as client:
            return client.execute_command("CLUSTER", *words)

    def keys(self, most: int = 10_000) -> list[bytes]:
        found = self.ask(self.source, "GETKEYSINSLOT", self.slot, most)
        assert isinstance(found, list)
        return found

    def carry(self, most: int) -> int:
        """Move up to so many keys; how many there were."""
        keys = self.keys(most)
        if keys:
            with self.source.client() as client:
                place = ("127.0.0.1", self.target.port, "", 0, 5_000)
                client.execute_command("MIGRATE", *place, "KEYS", *keys)
        return len(keys)

    def finish(self) -> None:
        while self.carry(10):
            pass
        owner = self.id_of(self.target)
        for server in (self.target, self.source, *self.nodes.servers):
            self.ask(server, "SETSLOT", self.slot, "NODE", owner)


@contextmanager
def cluster(
    folder: Path, *arguments: str, login: dict[str, object] | None = None
) -> Iterator[Nodes]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                started(folder / f"node-{n}", "--cluster-enabled", "yes",
                        "--cluster-node-timeout", "2000", *arguments, login=login)
            )
            for n in range(3)
        ]  # fmt: skip
        for n, server in enumerate(servers):
            first, last = n * _SLOTS // 3, (n + 1) * _SLOTS // 3
            with server.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
                for other in servers[:n]:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port)
        eventually(lambda: all(map(_is_whole, servers)), _START_S)
        yield Nodes(servers)


def _is_whole(server: Server) -> bool:
    with server.client() as client:
        info = client.execute_command("CLUSTER", "INFO")
        text = info.decode() if isinstance(info, bytes) else str(info)
        return ("cluster_state:ok" in text or "'cluster_state': 'ok'" in text) and len(
            _slots(client)
        ) == 3


def _slots(client: redis.Redis) -> list[list[object]]:
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command("CLUSTER", "SLOTS")
        return connection.read_response()
    finally:
        client.connection_pool.release(connection)


@dataclass
class Watched:
    """A master, its replica and three Sentinels."""

    servers: Sequence[Server]
    sentinels: Sequence[Server]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)
        return f"redis-sentinel://{hosts}/mymaster/0"

    def is_ready(self) -> bool:
        """Whether every Sentinel knows the others, one master, and a replica that follows."""
        roles = sorted(map(_role, self.servers))
        if roles != ["master", "up"]:
            return False
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                state = client.sentinel_masters().get("mymaster", {})
                known = (state.get("num-slaves"), state.get("num-other-sentinels"))
                if known != (1, 2) or not client.sentinel_slaves("mymaster"):
                    return False
                master = next(s for s in self.servers if _role(s) == "master")
                if state["is_sdown"] or state["port"] != master.port:
                    return False
        return True

    def wait_for_replica(self) -> None:
        """Until the replica has all that the master has by now."""
        master = next(s for s in self.servers if _role(s) == "master")
        with master.client() as client:
            client.wait(1, 5_000)

    def kill_master(self) -> Server:
        master = next(s for s in self.servers if _role(s) == "master")
        master.kill()
        return master


def _role(server: Server) -> str:
    """master, or a replica's link to it: up or down."""
    with server.client() as client:
        info = client.info("replication")
        return str(info["role"] if info["role"] == "master" else info["master_link_status"])


@contextmanager
def watched(
    folder: Path, *arguments: str, login: dict[str, object] | None = None
) -> Iterator[Watched]:
    with ExitStack() as stack:
        master = stack.enter_context(started(folder / "master", *arguments, login=login))
        follows = ("--replicaof", "127.0.0.1", str(master.port))
        replica = stack.enter_context(
            started(folder / "replica", *follows, *arguments, login=login)
        )
        sentinels = []
        for n in range(3):
            home = folder / f"sentinel-{n}"
            home.mkdir(parents=True)
            config = home / "sentinel.conf"
            config.write_text(
                f"sentinel monitor mymaster 127.0.0.1 {master.port} 2\n"
                "sentinel down-after-milliseconds mymaster 1000\n"
                "sentinel failover-timeout mymaster 5000\n"
            )
            program = (str(embedded.binary()), str(config), "--sentinel")
            sentinel = Server(home, arguments, program, login=login or {})
            stack.callback(sentinel.kill)
            sentinel.start()
            sentinels.append(sentinel)
        group = Watched((master, replica), sentinels)
        eventually(group.is_ready, _START_S)
        yield group
