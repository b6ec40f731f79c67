"""What every stage needs of Kafka: clients, topics, offsets, dead letters."""
