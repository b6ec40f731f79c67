"""Alerts on what the lake and the broker show."""
