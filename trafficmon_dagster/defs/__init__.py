"""A folder a subject; `trafficmon_dagster.definitions` puts them together."""
