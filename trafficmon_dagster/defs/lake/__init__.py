"""The lakehouse: tables filled from Kafka."""
