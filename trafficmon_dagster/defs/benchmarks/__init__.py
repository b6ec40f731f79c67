"""Benchmarks and probes of the whole path, run as processes of their own."""
