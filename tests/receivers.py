"""Real receivers of notifications on this machine: a webhook and a mail server."""

import http.server
import json
import socketserver
import threading
from typing import Any


class WebhookReceiver:
    """Keeps the JSON of every POST; answers `status`, or nothing until closed if it `hangs`."""

    def __init__(self, *, status: int = 204, hangs: bool = False) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = status
        self._released = threading.Event()
        if not hangs:
            self._released.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                outer._released.wait(60)
                outer.headers.append(dict(self.headers))
                outer.bodies.append(json.loads(raw))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/the-t0ken"

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """(rule, state) of everything that was told, in order."""
        return [(a["rule"], a["state"]) for body in self.bodies for a in body["alerts"]]

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """Takes every mail, with no login, and keeps its text."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 here")
                while line := self.rfile.readline().decode().strip():
                    if line.upper() == "DATA":
                        self._say("354 go on")
                        outer.mails.append(self._mail())
                    self._say("221 bye" if line.upper() == "QUIT" else "250 ok")

            def _mail(self) -> str:
                lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                return "\n".join(lines)

            def _say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
