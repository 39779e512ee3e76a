"""HTTP to one server: JSON both ways, one connection a thread, errors as SentinelaError."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

from sentinela.errors import SentinelaError, problem_error


class Connection:
    """Keeps a connection open for each thread that asks."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        told = f"{url!r} is no URL of a server: write one such as http://127.0.0.1:8080"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SentinelaError("usage", f"{told} ({error})") from error
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise SentinelaError("usage", told)
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = port
        self._base = parts.path.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._local = threading.local()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Sends a request and gives the decoded answer. Raises SentinelaError for every answer but 2xx."""
        status, content_type, data = self._send(method, self._base + path, None if body is None else _encode(body))
        answer = _decode(status, content_type, data)
        if 200 <= status < 300:
            return answer
        if isinstance(answer, dict) and "code" in answer:
            raise problem_error(answer, status)
        raise SentinelaError("unexpected_answer", f"{method} {path} was answered with {status}", status=status)

    def request_bytes(self, path: str, body: object, content_type: str) -> bytes:
        """Posts a request whose answer is no JSON. Raises SentinelaError as :meth:`request`."""
        status, found, data = self._send("POST", self._base + path, _encode(body))
        if 200 <= status < 300 and found.split(";")[0] == content_type:
            return data
        answer = _decode(status, found, data)
        if isinstance(answer, dict) and "code" in answer:
            raise problem_error(answer, status)
        raise SentinelaError("unexpected_answer", f"POST {path} was answered with {status}", status=status)

    def close(self) -> None:
        """Closes the connection of the calling thread."""
        open_one = getattr(self._local, "connection", None)
        if open_one is not None:
            open_one.close()
            self._local.connection = None

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        used = getattr(self._local, "connection", None)
        if used is not None:
            try:
                return self._exchange(used, method, path, body)
            except (http.client.HTTPException, ConnectionError):
                # Closed while it was idle, most likely, so it is sent once more; each of our requests may come twice.
                self.close()
            except OSError as error:
                self.close()
                raise self._unreachable(error) from error
        fresh = self._open()
        try:
            return self._exchange(fresh, method, path, body)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._unreachable(error) from error

    def _open(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._scheme == "https" else http.client.HTTPConnection
        self._local.connection = kind(self._host, self._port, timeout=self._timeout_seconds)
        opened: http.client.HTTPConnection = self._local.connection
        return opened

    def _unreachable(self, error: Exception) -> SentinelaError:
        where = self._host if self._port is None else f"{self._host}:{self._port}"
        return SentinelaError("unreachable", f"no answer from {where}: {error or type(error).__name__}", retryable=True)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> tuple[int, str, bytes]:
        headers = {"accept": "application/json"} | ({} if body is None else {"content-type": "application/json"})
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers.get("content-type", ""), response.read()


def _encode(body: object) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise SentinelaError("usage", f"the request cannot be written as JSON: {error}") from error


def _decode(status: int, content_type: str, data: bytes) -> Any:
    if content_type.split(";")[0] not in ("application/json", "application/problem+json"):
        raise SentinelaError("unexpected_answer", f"the answer is {content_type or 'of no type'}, not JSON", status=status)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SentinelaError("unexpected_answer", f"the answer is broken JSON: {error}", status=status) from error
