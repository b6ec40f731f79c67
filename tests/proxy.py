"""A small HTTP proxy: CONNECT for https, whole addresses for http."""

import asyncio
import base64
import threading
from typing import Literal
from urllib.parse import unquote, urlsplit

Mood = Literal["well", "hangs"]


class Proxy:
    """Listens until closed, and brings whoever asks for any place to port `to` of this machine.

    `asked` are the places it was asked for, `login` is what it wants.
    """

    def __init__(
        self, to: int, *, login: str | None = None, mood: Mood = "well", port: int = 0
    ) -> None:
        self.to = to
        self.login = login
        self.mood = mood
        self.asked: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", port)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://{f'{self.login}@' if self.login else ''}127.0.0.1:{self.port}"

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.decode().split(" ", 2)
            self.asked.append(target)
            if self.mood == "hangs":
                await asyncio.Event().wait()
            wanted = base64.b64encode(unquote(self.login or "").encode())
            if self.login and b"Basic " + wanted not in head:
                writer.write(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                )
                return
            if method == "CONNECT":
                there = await asyncio.open_connection("127.0.0.1", self.to)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there = await asyncio.open_connection("127.0.0.1", self.to)
                path = urlsplit(target).path or "/"
                there[1].write(head.replace(target.encode(), path.encode(), 1))
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
