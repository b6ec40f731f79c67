"""The alert sensors on a real broker, Redis, lake and instance of Dagster, by a clock of ours."""
