"""What keeps lake and Dagster from growing without end."""
