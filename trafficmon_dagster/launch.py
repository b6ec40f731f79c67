"""Launches a job of a running Dagster over HTTP and waits for its end. Standard library only.

    python -m trafficmon_dagster.launch http://127.0.0.1:3001 --timeout-s 120

The last line printed is a summary; exit code 0 if everything succeeded.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

FIRST_LOOK = "first_look"
_REQUEST_TIMEOUT_S = 10.0
_POLL_S = 0.5
_FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}

_LOCATION = """
{ workspaceOrError { __typename
    ... on PythonError { message }
    ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename
      ... on PythonError { message }
      ... on RepositoryLocation { repositories { name } } } } } } }
"""
_LAUNCH = """
mutation ($location: String!, $repository: String!, $job: String!) {
  launchRun(executionParams: {mode: "default", runConfigData: {}, selector: {
      repositoryLocationName: $location, repositoryName: $repository, jobName: $job}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }
"""
_RUN = """
query ($run: ID!) { runOrError(runId: $run) { __typename ... on Run { status
  assetMaterializations { assetKey { path } }
  stepStats { stepKey status }
  assetChecks { name assetKey { path } } } } }
"""


class LaunchFailed(Exception):
    """Dagster did not answer in time, did not load our definitions, or refused the job."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: `assets` are those materialized, `steps` the end of each step by name."""

    run_id: str
    status: str
    assets: tuple[str, ...]
    steps: dict[str, str]
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCESS"

    @property
    def summary(self) -> str:
        """One line for the person who launched it."""
        if self.succeeded:
            return f"Dagster: {len(self.assets)} assets materialized in {self.seconds:.0f} s"
        failed = [name for name, status in self.steps.items() if status == "FAILURE"]
        return f"Dagster: run {self.run_id} {self.status}; failed: {', '.join(failed) or 'no step'}"


def materialize_all(base_url: str, timeout_s: float = 120.0) -> RunResult:
    """Materialize every asset once, as soon as the definitions are loaded.

    Raises:
        LaunchFailed: as its message says, with the address.
    """
    return run_job(base_url, FIRST_LOOK, timeout_s)


def run_job(base_url: str, job: str, timeout_s: float) -> RunResult:
    """Launch a job by name with its default configuration, and wait until it ended.

    Raises:
        LaunchFailed: as its message says, with the address.
    """
    started_at = time.monotonic()
    deadline = started_at + timeout_s
    location, repository = _loaded(base_url, deadline)
    variables = {"location": location, "repository": repository, "job": job}
    answer = _ask(base_url, _LAUNCH, variables)["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        raise LaunchFailed(f"{base_url} refused {job}: {json.dumps(answer)}")
    run_id = answer["run"]["runId"]
    run = _until_ended(base_url, run_id, deadline)
    return RunResult(
        run_id=run_id,
        status=run["status"],
        assets=tuple(
            sorted({"/".join(m["assetKey"]["path"]) for m in run["assetMaterializations"]})
        ),
        steps={step["stepKey"]: step["status"] for step in run["stepStats"]},
        seconds=time.monotonic() - started_at,
    )


def _loaded(base_url: str, deadline: float) -> tuple[str, str]:
    """The names of the code location and its repository, once loaded."""
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            workspace = _ask(base_url, _LOCATION, {})["workspaceOrError"]
        except (OSError, ValueError) as exc:
            last = str(exc)
        else:
            for entry in workspace.get("locationEntries", ()):
                what = entry["locationOrLoadError"] or {}
                if what.get("repositories"):
                    return entry["name"], what["repositories"][0]["name"]
                if what.get("__typename") == "PythonError":
                    raise LaunchFailed(f"{base_url}: definitions do not load: {what['message']}")
                last = f"{entry['name']} is {entry['loadStatus']}"
        time.sleep(_POLL_S)
    raise LaunchFailed(f"{base_url} was not ready in time: {last}")


def _until_ended(base_url: str, run_id: str, deadline: float) -> dict[str, Any]:
    while time.monotonic() < deadline:
        try:
            run: dict[str, Any] = _ask(base_url, _RUN, {"run": run_id})["runOrError"]
        except (OSError, ValueError):
            run = {}
        if run.get("status") in _FINISHED:
            return run
        time.sleep(_POLL_S)
    raise LaunchFailed(f"run {run_id} at {base_url} did not end in time")


def _ask(base_url: str, query: str, variables: dict[str, str]) -> dict[str, Any]:
    """One GraphQL request; OSError or ValueError if it was not answered with data."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(  # noqa: S310  (http, and the caller's own address)
        f"{base_url.rstrip('/')}/graphql", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_REQUEST_TIMEOUT_S) as response:  # noqa: S310
            answer = json.load(response)
    except urllib.error.HTTPError as exc:
        raise ValueError(f"HTTP {exc.code}: {exc.read(500).decode(errors='replace')}") from exc
    if answer.get("data") is None:
        raise ValueError(f"no data: {json.dumps(answer)[:500]}")
    data: dict[str, Any] = answer["data"]
    return data


def main() -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description="Materialize every asset of a running Dagster.")
    parser.add_argument("base_url", help="for example http://127.0.0.1:3001")
    parser.add_argument("--timeout-s", type=float, default=120.0)
    parser.add_argument("--job", default=FIRST_LOOK)
    args = parser.parse_args()
    try:
        result = run_job(args.base_url, args.job, args.timeout_s)
    except (LaunchFailed, OSError, ValueError) as exc:
        sys.stderr.write(f"Dagster: {exc}\n")
        return 1
    sys.stdout.write(f"{result.summary}\n")
    return 0 if result.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
