"""Where the server is and who calls it. The environment's names are those of the command line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Mapping
from urllib.parse import urlsplit

from .errors import Problem


@dataclass(frozen=True)
class Address:
    """A server's URL taken apart, and the headers that go with every call."""

    host: str
    port: int
    tls: bool
    prefix: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @staticmethod
    def of(url: str | None, api_key: str | None, namespace: str | None) -> Address:
        """What is not given comes from ORCHESTRATOR_URL, ORCHESTRATOR_API_KEY and ORCHESTRATOR_NAMESPACE."""
        url = url or os.environ.get("ORCHESTRATOR_URL") or "http://127.0.0.1:8080"
        api_key = api_key or os.environ.get("ORCHESTRATOR_API_KEY")
        namespace = namespace or os.environ.get("ORCHESTRATOR_NAMESPACE")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not a server's URL: {url!r}")
        tls = parts.scheme == "https"
        headers = {"Accept": "application/json, application/problem+json"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        if namespace:
            headers["Orchestrator-Namespace"] = namespace
        return Address(parts.hostname, parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"), headers)


def read_answer(status: int, body: bytes, retry_after: str | None) -> Any:
    """The document of a good answer; raises Problem for every other."""
    try:
        document = json.loads(body) if body else None
    except ValueError:
        document = None
    if 200 <= status < 300:
        return document
    members: Mapping[str, Any]
    if isinstance(document, dict):
        members = document
    else:
        members = {"title": f"HTTP {status}", "detail": body[:200].decode("utf-8", "replace")}
    try:
        pause = None if retry_after is None else float(retry_after)
    except ValueError:
        pause = None  # A date; our servers send seconds.
    raise Problem(status, members, pause)
