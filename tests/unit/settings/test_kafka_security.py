"""What `config check` refuses of `kafka.security`."""

import pytest

from streaming.logs import JsonLines
from streaming.settings import in_force, load, problems
from tests.certificates import Authority

SASL = "protocol: SASL_SSL, mechanism: PLAIN, username: u, password: a-secret-word"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("{protocol: SASL_SSL, mechanism: PLAIN, password: a-secret-word}", "username is missing: SASL_SSL needs it"),
        ("{protocol: SASL_SSL, username: u, password: a-secret-word}", "mechanism is missing: SASL_SSL needs it"),
        ("{protocol: SASL_SSL, mechanism: PLAIN, username: u}", "password is missing: SASL_SSL needs it, or password_file"),
        (f"{{{SASL}, password_file: x}}", "password_file is set, and password too; keep one of the two"),
        ("{username: u}", "username needs protocol SASL_SSL or SASL_PLAINTEXT, not PLAINTEXT"),
        ("{protocol: SASL_PLAINTEXT, mechanism: PLAIN, username: u, password: a-secret-word, ca_file: ca.pem}", "ca_file needs protocol SASL_SSL or SSL, not SASL_PLAINTEXT"),
        ("{protocol: SSL, certificate_file: c.pem}", "key_file is missing: certificate_file is of no use without it"),
        ("{protocol: SSL, key_file: k.pem}", "certificate_file is missing: key_file is of no use without it"),
        ("{protocol: SSL, key_password: a-secret-word}", "key_file is missing: key_password is of no use without it"),
        ("{protocol: SSL, ca_file: nowhere.pem}", "ca_file names nowhere.pem, which is not there"),
        ("{protocol: SSL, ca_file: /}", "ca_file names /, which is no file"),
        ("{protocol: TLS}", "protocol must be one of"),
        ("{protocol: SASL_SSL, mechanism: GSSAPI, username: u, password: a-secret-word}", "mechanism must be one of"),
        ("{protocol: SASL_SSL, mechanism: PLAIN, username: u, password: [a-secret-word]}", "password must be text"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_line_with_the_setting(configured, block, said):
    folder, environ = configured({"kafka.yaml": f"kafka: {{security: {block}}}"})
    (found,) = problems(folder, environ)
    assert f"kafka.security.{said}" in found
    assert "a-secret-word" not in found


def test_files_of_no_use_are_named(configured, tmp_path):
    ours, other = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    one, two = ours.sign("one"), other.sign("two", password="long enough")
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    (tmp_path / "empty").write_text("\n")

    def said(**security):
        lines = "".join(f"    {name}: {value}\n" for name, value in security.items())
        return problems(*configured({"kafka.yaml": f"kafka:\n  security:\n{lines}"}))

    ssl = {"protocol": "SSL"}
    (found,) = said(**ssl, ca_file=rubbish)
    assert "ca_file names" in found
    assert "holds no certificate in PEM" in found
    (found,) = said(**ssl, certificate_file=one.certificate, key_file=ours.sign("three").key)
    assert "key_file is not the key of certificate_file" in found
    pair = {"certificate_file": two.certificate, "key_file": two.key}
    for password in ({}, {"key_password": "not this"}):
        (found,) = said(**ssl, **pair, **password)
        assert "key_file is encrypted, and kafka.security.key_password does not open it" in found
    assert said(**ssl, **pair, key_password="long enough", ca_file=other.file) == []
    signing_in = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u"}
    (found,) = said(**signing_in, password_file=tmp_path / "empty")
    assert "password_file names" in found
    assert "which holds no text" in found


def test_a_password_from_a_file_or_a_variable_is_never_shown(configured, tmp_path):
    file = tmp_path / "password"
    file.write_text("from-the-file\n")
    block = f"{{protocol: SASL_SSL, mechanism: PLAIN, username: u, password_file: {file}}}"
    settings = load(*configured({"kafka.yaml": f"kafka: {{security: {block}}}"}))
    assert "from-the-file" in settings.secrets()
    assert JsonLines(settings.secrets()).masked("x from-the-file x") == "x *** x"
    block = "{protocol: SASL_SSL, mechanism: PLAIN, username: u, password: '${BROKER_PASSWORD}'}"
    at = configured(
        {"kafka.yaml": f"kafka: {{security: {block}}}"}, BROKER_PASSWORD="from-the-variable"
    )
    settings = load(*at)
    assert "from-the-variable" in settings.secrets()
    assert "from-the-variable" not in repr(settings)
    shown = {s.name: s.value for s in in_force(*at)}
    assert shown["kafka.security.password"] == "***"
    assert shown["kafka.security.username"] == "u"


def test_a_password_of_digits_is_text_as_it_is_written(configured):
    block = "{protocol: SASL_SSL, mechanism: PLAIN, username: u, password: 00123456}"
    settings = load(*configured({"kafka.yaml": f"kafka: {{security: {block}}}"}))
    assert settings.kafka.security.secret() == "00123456"
