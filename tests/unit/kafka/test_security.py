"""What clients are given of `kafka.security`."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from streaming.embedded.kafka_tools import properties
from streaming.errors import ConfigError
from streaming.kafka import security
from streaming.settings import KafkaSecurity, KafkaSettings
from tests.certificates import Authority


def kafka(**given):
    return KafkaSettings(bootstrap_servers="a:1,b:2", security=KafkaSecurity(**given))


def test_with_nothing_set_a_client_gets_the_address_alone():
    assert security.librdkafka(kafka()) == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "PLAINTEXT",
    }
    assert security.java(kafka()) == {"security.protocol": "PLAINTEXT"}


def test_java_reads_a_password_back_as_it_is():
    signing_in = {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "username": "u"}
    config = security.java(kafka(**signing_in, password=SecretStr('a"b\\c')), shaded="x.")
    assert config["sasl.jaas.config"] == (
        "x.org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="u" password="a\\"b\\\\c";'
    )


def test_certificates_go_to_java_whole_and_to_librdkafka_by_name(tmp_path):
    authority = Authority(tmp_path)
    ours = authority.sign("ours", password="12345678")
    given = kafka(
        protocol="SSL", ca_file=authority.file, certificate_file=ours.certificate,
        key_file=ours.key, key_password=SecretStr("12345678"), check_hostname=False,
    )  # fmt: skip
    config = security.librdkafka(given)
    assert config["ssl.ca.location"] == str(authority.file)
    assert config["ssl.key.password"] == "12345678"
    assert config["ssl.endpoint.identification.algorithm"] == "none"
    java = security.java(given)
    assert java["ssl.truststore.certificates"] == authority.file.read_text()
    assert java["ssl.keystore.key"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert java["ssl.endpoint.identification.algorithm"] == ""
    written = properties(java)
    assert len(written.splitlines()) == len(java)
    assert "-----BEGIN CERTIFICATE-----\\n" in written


def test_a_password_file_is_read_anew_for_each_client(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("first\n")
    signing_in = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u"}
    given = kafka(**signing_in, password_file=file)
    assert security.librdkafka(given)["sasl.password"] == "first"
    file.write_text("second")
    assert security.librdkafka(given)["sasl.password"] == "second"
    file.unlink()
    with pytest.raises(ConfigError, match=r"kafka\.security\.password_file cannot be read"):
        security.librdkafka(given)
