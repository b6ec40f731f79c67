"""The control plane: provisions, verifies, ingests, reports and tidies up, in Dagster."""
