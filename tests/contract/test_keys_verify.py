"""Checking keys at the simulator: what is wrong with each, and whose account it is."""

import json

import pytest
from click.testing import CliRunner

from streaming.cli import trafficmon
from streaming.commands import keys as command
from streaming.scheduling.keys_verify import verify
from streaming.settings import Settings
from streaming.simulator.provider_app import SimulatedKey
from tests.provider_simulator import RunningSimulator, running


def at(simulator: RunningSimulator, accounts: str = "", **limits) -> Settings:
    """Settings with the simulator's keys; `accounts` as api_keys.yaml has them, a letter a key."""
    settings = simulator.for_settings(Settings())
    keys = [
        key.model_copy(
            update={"account": accounts[i] if accounts.strip() and accounts[i] != "-" else None}
            | limits
        )
        for i, key in enumerate(settings.api_keys)
    ]
    return settings.model_copy(update={"api_keys": tuple(keys)})


def on_accounts(letters: str) -> tuple[SimulatedKey, ...]:
    """Keys sim-1, sim-2, … on the accounts that the letters name."""
    return tuple(
        SimulatedKey(f"sim-{i}", f"secret-{i}", 500, 5000, letter)
        for i, letter in enumerate(letters, 1)
    )


@pytest.fixture
def simulator():
    with running(on_accounts("abc")) as found:
        yield found


@pytest.mark.parametrize(
    ("faults", "cause", "valid", "advice"),
    [
        ({}, None, True, None),
        ({"dead_keys": ("sim-1",)}, "rejected", False, "copy it anew"),
        ({"forbidden_keys": ("sim-1",)}, "forbidden", False, "allow it the model qwen-vl-plus"),
        ({"arrears_keys": ("sim-1",)}, "arrears", False, "top up"),
        ({"unknown_models": ("qwen-vl-plus",)}, "model_not_found", False, "provider.model"),
        ({"html": True}, "no_api", False, "any proxy on the way"),
        ({"down": True}, "no_connection", False, "provider.base_url"),
        ({"error_rate": 1.0}, "provider_error", False, "later"),
        ({"empty": True}, "bad_answer", False, "provider.base_url"),
    ],
    ids=lambda value: next(iter(value), "fine") if isinstance(value, dict) else "",
)
def test_each_cause_comes_with_what_to_do(simulator, faults, cause, valid, advice):
    simulator.break_it(**faults)
    found = verify(at(simulator))[0]
    assert (found.key_id, found.valid, found.cause) == ("sim-1", valid, cause)
    assert (advice or "") in (found.advice or "")
    assert (found.advice is None) is (found.error is None)
    assert found.latency_ms is not None


def test_a_throttled_key_is_valid():
    with running((SimulatedKey("sim-1", "secret-1", 1, 1, "a"),)) as simulator:
        verify(at(simulator))
        found = verify(at(simulator))[0]
    assert (found.valid, found.cause) == (True, "throttled")


def test_a_slow_provider_is_a_timeout(simulator, monkeypatch):
    monkeypatch.setattr("streaming.scheduling.keys_verify._TIMEOUT_S", 0.2)
    simulator.break_it(hang_rate=1.0)
    assert {c.cause for c in verify(at(simulator))} == {"timeout"}


def test_nobody_at_the_address_is_said_of_every_key(simulator):
    settings = at(simulator)
    provider = settings.provider.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    checks = verify(settings.model_copy(update={"provider": provider}))
    assert [(c.valid, c.cause) for c in checks] == [(False, "no_connection")] * 3
    assert all("provider.base_url" in (c.error or "") for c in checks)


def test_disabled_keys_are_not_asked(simulator):
    settings = at(simulator)
    off = settings.api_keys[0].model_copy(update={"enabled": False})
    settings = settings.model_copy(update={"api_keys": (off, *settings.api_keys[1:])})
    assert [c.key_id for c in verify(settings)] == ["sim-2", "sim-3"]
    assert "sim-1" not in simulator.stats()["keys"]


def test_no_secret_is_shown_even_when_the_server_repeats_it(simulator):
    simulator.break_it(dead_keys=("sim-1", "sim-2"), echo_keys=True)
    shown = str([c.as_dict() for c in verify(at(simulator))])
    assert "***" in shown
    assert "secret-" not in shown


# --- accounts -----------------------------------------------------------------------------------


def test_without_a_sign_from_the_provider_nothing_is_claimed_and_nothing_more_asked(simulator):
    checks = verify(at(simulator))
    assert {c.account_known for c in checks} == {"cannot tell"}
    assert simulator.stats()["calls"] == 3
    assert not any(c.warnings for c in checks)


@pytest.mark.parametrize("header", ["organization_header", "limit_headers"])
@pytest.mark.parametrize("letters", ["ab", "aa", "abab", "aabbc", "abcabcabca", "aaaaaaaaaa"])
def test_keys_of_one_account_are_told_by_its_name_or_by_their_counts(letters, header):
    with running(on_accounts(letters)) as simulator:
        simulator.break_it(**{header: True})
        checks = verify(at(simulator))
    for i, check in enumerate(checks):
        mates = [f"sim-{j + 1}" for j, a in enumerate(letters) if a == letters[i] and j != i]
        assert list(check.shares_account_with) == mates
        assert check.account_known == ("shared" if mates else "own")
        assert any("seem to share an account" in w for w in check.warnings) is bool(mates)


def test_what_the_file_says_of_accounts_is_compared():
    with running(on_accounts("aab")) as simulator:
        simulator.break_it(organization_header=True)
        known = verify(at(simulator, "xx-"))
        wrong = verify(at(simulator, "-xx"))
    assert not any(c.warnings for c in known)
    assert "give each `account: x`" in wrong[0].warnings[0]
    assert "an account of its own" in wrong[2].warnings[0]


def test_a_limit_above_the_providers_own_is_warned_of(simulator):
    simulator.break_it(limit_headers=True)
    checks = verify(at(simulator, rpm_limit=6000))
    assert "sim-1: rpm_limit 6000 is above the provider's 5000" in checks[0].warnings[0]
    assert not verify(at(simulator, rpm_limit=5000))[0].warnings


# --- the command --------------------------------------------------------------------------------


def run(settings: Settings, monkeypatch, *words: str):
    monkeypatch.setattr(command, "settings_of", lambda: settings)
    return CliRunner().invoke(trafficmon, ["keys", "verify", *words])


@pytest.mark.parametrize(("dead", "code"), [((), 0), (("sim-2",), 1)])
def test_the_command_ends_with_1_if_any_enabled_key_fails(simulator, monkeypatch, dead, code):
    simulator.break_it(dead_keys=dead)
    table = run(at(simulator), monkeypatch)
    assert table.exit_code == code
    assert "sim-2" in table.output
    found = run(at(simulator), monkeypatch, "--format", "json")
    assert found.exit_code == code
    assert [k["valid"] for k in json.loads(found.stdout)] == [True, not dead, True]


def test_without_an_enabled_key_the_command_fails(simulator, monkeypatch):
    result = run(Settings(), monkeypatch)
    assert result.exit_code == 1
    assert "api_keys.yaml" in result.output
