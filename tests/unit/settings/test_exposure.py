"""What listens where, and what is said of what has no login."""

import pytest

from streaming.settings import load, problems
from streaming.settings.serving import http_address, is_everywhere, is_loopback

OPEN = {"TRAFFICMON_SERVING__HOST": "0.0.0.0", "TRAFFICMON_SERVING__TOKEN": "a-long-token"}


def test_the_apis_address_is_nobody_elses(configured):
    settings = load(*configured({}, **OPEN))
    assert settings.serving.host == "0.0.0.0"
    others = (settings.serving.dagster, settings.serving.metrics, settings.simulator)
    assert [section.host for section in others] == ["127.0.0.1"] * 3
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("SERVING__DAGSTER__HOST", "serving.dagster.host is 0.0.0.0: Dagster has no login"),
        ("SIMULATOR__HOST", "simulator.host is 0.0.0.0: whoever reaches the simulator"),
    ],
)
def test_an_open_one_without_a_login_is_a_warning_that_names_it(configured, setting, said):
    variable = f"TRAFFICMON_{setting}"
    (warning,) = load(*configured({}, **{variable: "0.0.0.0"})).warnings
    assert warning.startswith(f"{variable}: {said}")


def test_a_simulator_that_nobody_starts_is_no_danger(configured):
    environ = {"TRAFFICMON_SIMULATOR__HOST": "0.0.0.0", "DASHSCOPE_API_KEY": "sk-a"}
    assert load(*configured({}, **environ)).warnings == ()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8900/v1"),
        ("0.0.0.0", "http://127.0.0.1:8900/v1"),
        ("::", "http://127.0.0.1:8900/v1"),
        ("10.0.0.5", "http://10.0.0.5:8900/v1"),
        ("::1", "http://[::1]:8900/v1"),
    ],
)
def test_the_simulator_is_asked_where_it_listens(configured, host, url):
    environ = {"TRAFFICMON_SIMULATOR__HOST": host}
    assert load(*configured({}, **environ)).provider.base_url == url


def test_addresses_are_told_apart():
    assert is_loopback("127.8.8.8")
    assert is_loopback("[::1]")
    assert is_everywhere("::")
    assert not is_everywhere("localhost")
    assert http_address("[::1]", 5000) == "http://[::1]:5000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("serving:\n  trusted_proxies: [10.0.0.1/8]", "serving.yaml:2: serving.trusted_proxies[0] must be a network such as 10.20.0.0/16, got '10.0.0.1/8'"),
        ("serving:\n  trusted_proxies: 10.0.0.1", "serving.yaml:2: serving.trusted_proxies must be a list"),
        ("serving: {user_header: 'a b'}", "serving.user_header must be the name of a header"),
        ("serving: {dagster: {host: 'a b'}}", "serving.dagster.host must be an address of this machine"),
        ("lake: {memory_limit: 10MB}", "lake.memory_limit must be a size of 100MB or more, such as 512MB or 4GB, got '10MB'"),
        ("lake: {memory_limit: 4}", "lake.memory_limit must be a size of 100MB or more"),
        ("lake: {memory_limit: much}", "lake.memory_limit must be a size"),
        ("lake: {threads: 0}", "lake.threads must be 1 or more, got 0"),
        ("serving: {dagster: {max_concurrent_runs: 0}}", "serving.dagster.max_concurrent_runs must be 1 or more, got 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(configured, text, said):
    (problem,) = problems(*configured({"serving.yaml": text}))
    assert said in problem


def test_a_proxy_may_be_an_address_or_a_network(configured):
    text = "serving: {trusted_proxies: [127.0.0.1, 10.20.0.0/16, '::1', 'fd00::/8']}"
    proxies = load(*configured({"serving.yaml": text})).serving.trusted_proxies
    assert proxies == ("127.0.0.1/32", "10.20.0.0/16", "::1/128", "fd00::/8")


@pytest.mark.parametrize("size", ["512MB", "4GB", "1.5 GiB", "1tb"])
def test_sizes_are_written_as_duckdb_reads_them(configured, size):
    from streaming.lake.catalog import duck

    settings = load(
        *configured({}, TRAFFICMON_LAKE__MEMORY_LIMIT=size, TRAFFICMON_LAKE__THREADS="3")
    )
    with duck(settings) as con:
        (threads, memory) = con.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchone()
    assert threads == 3
    assert memory == {
        "512MB": "488.2 MiB", "4GB": "3.7 GiB", "1.5 GiB": "1.5 GiB", "1tb": "931.3 GiB",
    }[size]  # fmt: skip
