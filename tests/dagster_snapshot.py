"""All that Dagster shows, as one text to read: `python -m tests.dagster_snapshot` writes it anew."""

from pathlib import Path

from trafficmon_dagster.definitions import defs

FILE = Path(__file__).parent / "frozen" / "dagster.txt"


def text() -> str:
    """Assets by group with their checks, then jobs, schedules and sensors."""
    graph, repository = defs.resolve_asset_graph(), defs.get_repository_def()
    checks = {}
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key, []).append(key.name)
    assets = []
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        traits = []
        if node.is_external:
            traits.append("external")
        if node.partitions_def is not None:
            traits.append(
                "hourly" if "hour" in type(node.partitions_def).__name__.lower() else "daily"
            )
        name = " ".join([key.to_user_string(), *(f"({trait})" for trait in traits)])
        assets.append((node.group_name, name, sorted(checks.get(key, ()))))
    lines = ["# assets and their checks"]
    for group, name, names in sorted(assets):
        lines += [f"{group}: {name}", *(f"    check {check}" for check in names)]
    lines += ["", "# jobs"]
    lines += sorted(j.name for j in repository.get_all_jobs() if not j.name.startswith("__"))
    lines += ["", "# schedules"]
    lines += sorted(
        f"{s.name}: {s.cron_schedule}, {s.default_status.value.lower()}"
        for s in repository.schedule_defs
    )
    lines += ["", "# sensors"]
    lines += sorted(f"{s.name}: {s.default_status.value.lower()}" for s in repository.sensor_defs)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
