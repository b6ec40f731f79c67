"""Launches jobs of a running Dagster over HTTP and waits for their end. Standard library only.

    python -m trafficmon_dagster.launch http://127.0.0.1:3001 --timeout-s 120

A job with partitions gets its newest one. The last line printed is a summary; exit code 0 if
everything succeeded.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FIRST_LOOK = ("first_look", "reports_hourly", "reports_daily")
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
mutation ($location: String!, $repository: String!, $job: String!, $config: RunConfigData!,
          $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {mode: "default", runConfigData: $config,
      executionMetadata: {tags: $tags}, selector: {
      repositoryLocationName: $location, repositoryName: $repository, jobName: $job}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }
"""
_NEWEST_PARTITION = """
query ($location: String!, $repository: String!, $job: String!) {
  partitionSetsOrError(pipelineName: $job, repositorySelector: {
      repositoryLocationName: $location, repositoryName: $repository}) { __typename
    ... on PartitionSets { results { partitionsOrError(limit: 1, reverse: true) {
      ... on Partitions { results { name } } } } } } }
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
        failed = [name for name, status in self.steps.items() if status == "FAILURE"]
        return f"Dagster: run {self.run_id} {self.status}; failed: {', '.join(failed) or 'no step'}"


def summary(results: Sequence[RunResult]) -> str:
    """One line for the person who launched them."""
    unlucky = [result for result in results if not result.succeeded]
    if unlucky:
        return unlucky[0].summary
    assets = {asset for result in results for asset in result.assets}
    seconds = sum(result.seconds for result in results)
    done = f"{len(assets)} assets materialized" if assets else "done"
    return f"Dagster: {done} in {seconds:.0f} s"


def materialize_all(base_url: str, timeout_s: float = 120.0) -> list[RunResult]:
    """Materialize every asset once, as soon as the definitions are loaded.

    Raises:
        LaunchFailed: as its message says, with the address.
    """
    deadline = time.monotonic() + timeout_s
    results = []
    for job in FIRST_LOOK:
        results.append(run_job(base_url, job, deadline - time.monotonic()))
        if not results[-1].succeeded:
            break
    return results


def run_job(
    base_url: str, job: str, timeout_s: float, config: dict[str, Any] | None = None
) -> RunResult:
    """Launch a job by name, for its newest partition if it has any, and wait until it ended.

    `config` is the run's, as the launchpad shows it; by default every default.

    Raises:
        LaunchFailed: as its message says, with the address.
    """
    started_at = time.monotonic()
    deadline = started_at + timeout_s
    location, repository = _loaded(base_url, deadline)
    names: dict[str, Any] = {"location": location, "repository": repository, "job": job}
    partition = _newest_partition(base_url, names)
    tags = [{"key": "dagster/partition", "value": partition}] if partition else []
    answer = _ask(base_url, _LAUNCH, names | {"config": config or {}, "tags": tags})["launchRun"]
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


def _newest_partition(base_url: str, names: dict[str, Any]) -> str | None:
    found = _ask(base_url, _NEWEST_PARTITION, names)["partitionSetsOrError"]
    for partition_set in found.get("results", ()):
        for partition in partition_set["partitionsOrError"].get("results", ()):
            return str(partition["name"])
    return None


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


def _ask(base_url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """One GraphQL request; OSError or ValueError if it was not answered with data."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(  # noqa: S310  (http, and the caller's own address)
        f"{base_url.rstrip('/')}/graphql", body, {"Content-Type": "application/json"}
    )
    try:
        # By no proxy that the environment names: it is an address of this machine or network.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=_REQUEST_TIMEOUT_S) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as exc:
        raise ValueError(f"HTTP {exc.code}: {exc.read(500).decode(errors='replace')}") from exc
    if answer.get("data") is None:
        raise ValueError(f"no data: {json.dumps(answer)[:500]}")
    data: dict[str, Any] = answer["data"]
    return data


def main() -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description="Launch jobs of a running Dagster.")
    parser.add_argument("base_url", help="for example http://127.0.0.1:3001")
    parser.add_argument("--timeout-s", type=float, default=120.0)
    parser.add_argument("--job", help="one job; left out, every asset is materialized")
    parser.add_argument("--config", type=json.loads, help="of the run, as JSON")
    args = parser.parse_args()
    try:
        if args.job:
            results = [run_job(args.base_url, args.job, args.timeout_s, args.config)]
        else:
            results = materialize_all(args.base_url, args.timeout_s)
    except (LaunchFailed, OSError, ValueError) as exc:
        sys.stderr.write(f"Dagster: {exc}\n")
        return 1
    sys.stdout.write(f"{summary(results)}\n")
    return 0 if all(result.succeeded for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
