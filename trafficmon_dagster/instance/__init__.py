"""Dagster's instance: its template `dagster.yaml`, and where runs and events are kept."""
