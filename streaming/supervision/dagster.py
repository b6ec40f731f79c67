"""Asks Dagster whether it does its work: its code location is loaded, its daemon healthy."""

import json
import urllib.error
import urllib.request
from typing import Any

from streaming.proxies import open_here
from streaming.settings import ServingSettings
from streaming.settings.serving import http_address

_TIMEOUT_S = 5.0
_QUERY = """
{ workspaceOrError { __typename
    ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename
      ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }
"""


def waits_for(serving: ServingSettings) -> str | None:
    """What Dagster waits for, None once it is ready."""
    url = f"{http_address(serving.dagster.host, serving.dagster.port)}/graphql"
    body = json.dumps({"query": _QUERY}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  (http, and our own)
    try:
        with open_here(request, _TIMEOUT_S) as response:
            data: dict[str, Any] = json.load(response)["data"]
    except (OSError, ValueError, KeyError) as exc:
        reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        return f"its web server does not answer yet: {reason}"
    return told(data)


def told(data: dict[str, Any]) -> str | None:
    """The same from the answer's `data`."""
    entries = data["workspaceOrError"].get("locationEntries") or []
    for entry in entries:
        located = entry["locationOrLoadError"] or {}
        if located.get("__typename") == "PythonError":
            return f"its code location does not load: {located['message'].strip().splitlines()[-1]}"
    if not entries or any(e["locationOrLoadError"] is None for e in entries):
        return "waits for its code location"
    daemons = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    late = [d["daemonType"].lower() for d in daemons if d["required"] and not d["healthy"]]
    if not daemons or late:
        return f"waits for its daemon: {', '.join(late) or 'no word of it yet'}"
    return None
