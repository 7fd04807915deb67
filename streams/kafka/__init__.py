"""Kafka: its topics as they should be, where a key belongs, and events to and from records."""
