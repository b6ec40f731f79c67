"""Addresses that a client library cannot read are refused, and what is wrong holds no password."""

import pytest

from streaming.settings import load, problems
from streaming.settings.redis_url import parse

PART = "S3cret"


def told(folder, environ: dict[str, str]) -> str:
    return "\n".join(problems(folder, environ))


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("REDIS_URL", "redis://:S3cret#Pass@host", "redis.url"),
        ("REDIS_URL", "redis://:1234#S3cret@host:6379/0", "redis.url"),
        ("REDIS_URL", "redis://:S3cret/Pass@host/0", "redis.url"),
        ("REDIS_URL", "redis://:S3cret?Pass@host/0", "redis.url"),
        ("REDIS_URL", "redis://:[S3cret@host/0", "redis.url"),
        ("REDIS_URL", "redis://:S3cret@host/zero", "redis.url"),
        ("REDIS_URL", "redis://:S3cret@host:70000/0", "redis.url"),
        ("REDIS_URL", "redis://:S3cret@host/0?timeuot=3", "redis.url"),
        ("REDIS_URL", "redis://:S3cret@h1,h2/0", "redis.url"),
        ("REDIS_URL", "redis-sentinel://:S3cret@h1,h2", "redis.url"),
        ("REDIS_URL", "redis-cluster://:S3cret@h1,h2/3", "redis.url"),
        ("REDIS_URL", "redis-cluster://:S3cret@h1?retry_on_timeout=yes", "redis.url"),
        ("REDIS_URL", "unix://:S3cret#x@/run/redis.sock", "redis.url"),
        ("TRAFFICMON_PROVIDER_BASE_URL", "https://u:S3cret#x@host/v1", "provider.base_url"),
        ("TRAFFICMON_PROVIDER_BASE_URL", "https://host:S3cret/v1", "provider.base_url"),
        ("TRAFFICMON_PROVIDER_BASE_URL", "https://host/v1#S3cret", "provider.base_url"),
        ("TRAFFICMON_PROVIDER__PROXY", "http://u:S3cret#x@host:3128", "provider.proxy"),
        ("TRAFFICMON_PROVIDER__PROXY", "socks5://u:S3cret@host:1080", "provider.proxy"),
        ("TRAFFICMON_LAKE_CATALOG", "postgresql://u:S3cret@host:port/db", "lake.catalog"),
        ("TRAFFICMON_LAKE_CATALOG", "postgres:host=h pasword=S3cret", "lake.catalog"),
        (
            "TRAFFICMON_SERVING__DAGSTER__STORAGE",
            "postgresql://u:S3cret@x@host/db",
            "serving.dagster.storage",
        ),
    ],
)
def test_it_is_named_and_not_repeated(tmp_path, variable, value, name):
    found = told(tmp_path, {variable: value, "DASHSCOPE_API_KEY": "sk-1"})
    assert f"{variable}: {name} " in found
    assert PART not in found
    assert "\n" not in found


def test_how_to_write_it_is_said(tmp_path):
    found = told(tmp_path, {"REDIS_URL": "redis://:S3cret#Pass@host"})
    assert "write # as %23" in found
    assert "or set redis.password" in found


@pytest.mark.parametrize(
    "channel",
    [
        "{type: webhook, config: {url: 'https://u:S3cret#x@host/hook'}}",
        "{type: apprise, config: {url: 'carrierpigeon://S3cret'}}",
    ],
)
def test_channels_too(tmp_path, channel):
    (tmp_path / "monitoring.yaml").write_text(f"alerts: {{notification_channels: [{channel}]}}")
    found = told(tmp_path, {})
    assert "notification_channels[0]" in found
    assert PART not in found


@pytest.mark.parametrize(
    ("url", "kind", "tls", "hosts", "options"),
    [
        ("redis://h", "server", False, [("h", 6379)], {}),
        ("rediss://u:p%23w@[::1]:1/2", "server", True, [("::1", 1)], {"username": "u", "password": "p#w", "db": 2}),
        ("unix:///run/r.sock?db=3", "server", False, [], {"path": "/run/r.sock", "db": 3}),
        ("unix://u:p%2Fw@/run/r.sock", "server", False, [], {"username": "u", "password": "p/w", "path": "/run/r.sock"}),
        ("redis-sentinel://a,b:1/main/3", "sentinel", False, [("a", 26379), ("b", 1)], {"db": 3}),
        ("redis+sentinel://a/main", "sentinel", False, [("a", 26379)], {}),
        ("rediss-cluster://:pw@a:1,b", "cluster", True, [("a", 1), ("b", 6379)], {"password": "pw"}),
    ],
)  # fmt: skip
def test_an_address_of_redis_is_read_as_redis_py_reads_it(url, kind, tls, hosts, options):
    found = parse(url)
    assert (found.kind, found.tls, list(found.hosts), found.options) == (kind, tls, hosts, options)
    assert found.master == ("main" if kind == "sentinel" else "")
    assert "p#w" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("url: 'redis://:p@h', password: q", "must have one password"),
        ("password: q, password_file: /dev/null", "must have password or password_file, not both"),
        ("tls: {ca_file: /dev/null}", "has tls, which a url of rediss://… alone uses"),
        ("url: 'rediss://h', tls: {key_file: /dev/null}", "must have certificate_file and key_file"),
        ("url: 'rediss://h', tls: {ca_file: /no/such/file}", "redis.tls.ca_file must be a file"),
        ("password_file: /no/such/file", "redis.password_file must be a file"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_told(tmp_path, lines, problem):
    (tmp_path / "serving.yaml").write_text(f"redis: {{{lines}}}")
    assert problem in told(tmp_path, {})


def test_passwords_are_known_to_the_logs(tmp_path):
    file = tmp_path / "password"
    file.write_text("of-the-file\n")
    (tmp_path / "serving.yaml").write_text(
        f"redis: {{url: 'rediss://h', password_file: {file}, "
        "tls: {key_password: of-the-key}, sentinel: {password: of-sentinel}}"
    )
    secrets = load(tmp_path, {"TRAFFICMON_PROVIDER__PROXY": "http://u:of-the-proxy@h:1"}).secrets()
    assert {"of-the-file", "of-the-key", "of-sentinel", "of-the-proxy"} <= set(secrets)
