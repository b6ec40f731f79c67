"""Signing in to a Kafka that asks for passwords and certificates; what is wrong, in one line."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from streaming.embedded import ports
from streaming.errors import KafkaRefused, KafkaUnreachable
from streaming.kafka.admin import wait_for_broker
from streaming.settings import KafkaSecurity, KafkaSettings
from tests.certificates import Authority
from tests.secured_kafka import OPERATOR, SecuredKafka

PASSWORD = 'a password, with "quotes" and \\'
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def user(secured: SecuredKafka) -> str:
    name, _ = secured.new_user()
    secured.set_password(name, PASSWORD)
    return name


@pytest.fixture
def signing_in(secured: SecuredKafka, user: str) -> Callable[..., KafkaSettings]:
    """Settings for a listener; None takes one of the usual ones away."""

    def made(listener: str, **changes: Any) -> KafkaSettings:
        usual: dict[str, Any] = {"protocol": "SASL_SSL", "ca_file": secured.ca}
        if listener == "MUTUAL":
            ours = secured.certificate("client")
            usual |= {
                "protocol": "SSL", "certificate_file": ours.certificate, "key_file": ours.key,
            }  # fmt: skip
        else:
            usual |= {
                "mechanism": "SCRAM-SHA-512", "username": user, "password": SecretStr(PASSWORD),
            }  # fmt: skip
        security = KafkaSecurity(**{k: v for k, v in (usual | changes).items() if v is not None})
        return KafkaSettings(bootstrap_servers=secured.address(listener), security=security)

    return made


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("SIGNED", {}),
        ("SIGNED", {"mechanism": "SCRAM-SHA-256"}),
        ("SIGNED", {"mechanism": "PLAIN", "username": OPERATOR[0], "password": SecretStr(OPERATOR[1])}),
        ("CLEAR", {"protocol": "SASL_PLAINTEXT", "ca_file": None}),
        ("MUTUAL", {}),
        ("ELSEWHERE", {"check_hostname": False}),
        ("INSIDE", {"protocol": "PLAINTEXT", "ca_file": None, "mechanism": None, "username": None, "password": None}),
    ],
)  # fmt: skip
def test_each_way_of_signing_in_is_let_in(signing_in, listener, changes):
    assert wait_for_broker(signing_in(listener, **changes), PATIENCE_S)


def test_a_password_and_a_key_may_come_from_files(signing_in, secured, tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    assert wait_for_broker(signing_in("SIGNED", password=None, password_file=file), PATIENCE_S)
    # A key with a password, of our own authority: opened, and then not accepted.
    ours = Authority(tmp_path).sign("locked", password="open sesame")
    locked = {"certificate_file": ours.certificate, "key_file": ours.key}
    with pytest.raises(KafkaRefused, match="does not accept our certificate"):
        wait_for_broker(signing_in("MUTUAL", **locked, key_password=SecretStr("open sesame")), 5)


REFUSED = [
    ("SIGNED", {"ca_file": "strangers"}, r"the certificate of the broker at \S+ is signed by none of \S+ \(kafka.security.ca_file\)"),
    ("SIGNED", {"ca_file": None}, r"is signed by none of this machine's authorities; set kafka.security.ca_file"),
    ("EXPIRED", {}, r"the certificate of the broker at \S+ has expired, or that of its authority"),
    ("ELSEWHERE", {}, r"is not made out to 127.0.0.1; .*kafka.bootstrap_servers.*kafka.security.check_hostname"),
    ("SIGNED", {"password": SecretStr("not this one")}, r"does not accept user {user} with this password by SCRAM-SHA-512 \(kafka.security.username, password, mechanism\)"),
    ("SIGNED", {"username": "nobody-here"}, r"does not accept user nobody-here"),
    ("SIGNED", {"mechanism": "PLAIN"}, r"does not accept user {user} with this password by PLAIN"),
    ("MUTUAL", {"certificate_file": None, "key_file": None}, r"asks for a certificate of ours; set kafka.security.certificate_file and key_file"),
    ("MUTUAL", {"certificate_file": "expired"}, r"does not accept our certificate, \S+ \(kafka.security.certificate_file\); has it expired"),
    ("SIGNED", {"protocol": "SASL_PLAINTEXT", "ca_file": None}, r"speaks TLS; set kafka.security.protocol to SASL_SSL, not SASL_PLAINTEXT"),
    ("INSIDE", {}, r"speaks no TLS; is kafka.security.protocol SASL_SSL right\?"),
    ("INSIDE", {"protocol": "SASL_PLAINTEXT", "ca_file": None}, r"asks for no user; is kafka.security.protocol SASL_PLAINTEXT right\?"),
]  # fmt: skip


@pytest.mark.parametrize(("listener", "changes", "said"), REFUSED)
def test_a_refusal_is_one_line_that_names_the_setting(signing_in, secured, listener, changes, said):
    if changes.get("ca_file") == "strangers":
        changes = changes | {"ca_file": secured.strangers_ca}
    if changes.get("certificate_file") == "expired":
        expired = secured.certificate("expired-client")
        changes = {"certificate_file": expired.certificate, "key_file": expired.key}
    with pytest.raises(KafkaRefused) as raised:
        wait_for_broker(signing_in(listener, **changes), 240)
    text = str(raised.value)
    assert re.search(said.replace("{user}", r"u\w+"), text), text
    assert "\n" not in text
    assert PASSWORD not in text
    assert "not this one" not in text


def test_a_broker_that_wants_a_user_and_gets_none_is_told_from_none_at_all(secured):
    kafka = KafkaSettings(bootstrap_servers=secured.address("CLEAR"))
    with pytest.raises(KafkaUnreachable, match="does it ask for a user"):
        wait_for_broker(kafka, 1)
    nobody = KafkaSettings(bootstrap_servers=f"{ports.LOOPBACK}:{ports.any_free()}")
    with pytest.raises(KafkaUnreachable, match="no broker at"):
        wait_for_broker(nobody, 1)
