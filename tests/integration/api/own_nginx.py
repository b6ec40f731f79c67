"""A real nginx with the shipped example's configuration, on ports of a test's own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from streaming.embedded import ports
from tests.waiting import eventually

EXAMPLE = Path(__file__).parents[3] / "deployment" / "nginx"
NAMES = ("wall.example.org", "dagster.example.org")


@dataclass
class OwnNginx:
    """Started by `start`; `certificate` is its own authority."""

    home: Path
    port: int
    certificate: Path
    _process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def configured(
        cls, home: Path, *, api: int, dagster: int, login: int, token: str
    ) -> "OwnNginx":
        port, plain = ports.any_free(), ports.any_free()
        (home / "logs").mkdir(parents=True)
        certificate, key = home / "tls.crt", home / "tls.key"
        names = ",".join(f"DNS:{name}" for name in NAMES)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=Trafficmon's tests", "-addext",
             f"subjectAltName={names}", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        secret = (EXAMPLE / "trafficmon-token.conf.example").read_text()
        (home / "token.conf").write_text(secret.replace("put-serving.token-here", token))
        text = (EXAMPLE / "trafficmon.conf").read_text()
        for shipped, ours in (
            ("/etc/nginx/trafficmon-token.conf;", f"{home / 'token.conf'};"),
            ("/etc/nginx/tls/trafficmon.crt", str(certificate)),
            ("/etc/nginx/tls/trafficmon.key", str(key)),
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("127.0.0.1:5000", f"127.0.0.1:{api}"),
            ("127.0.0.1:3001", f"127.0.0.1:{dagster}"),
            ("127.0.0.1:4180", f"127.0.0.1:{login}"),
        ):
            assert shipped in text, shipped
            text = text.replace(shipped, ours)
        folders = "".join(
            f"{kind}_temp_path {home / kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (home / "nginx.conf").write_text(
            f"daemon off;\npid {home / 'nginx.pid'};\nworker_processes 1;\n"
            f"error_log {home / 'logs' / 'error.log'};\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}{text}\n}}\n"
        )
        return cls(home, port, certificate)

    def check(self) -> str:
        """What `nginx -t` says."""
        done = subprocess.run(
            [*self._command, "-t"], capture_output=True, text=True, check=False, timeout=30
        )
        return done.stderr

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        eventually(lambda: ports.is_listening(self.port), 30)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(30)

    @property
    def _command(self) -> list[str]:
        return ["nginx", "-e", "stderr", "-p", str(self.home), "-c", str(self.home / "nginx.conf")]
