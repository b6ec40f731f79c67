"""Detection messages to assessment tasks: `plan` is pure, and Flink runs it as it is."""
