"""Kafka topics, and where they stand in the lineage."""
