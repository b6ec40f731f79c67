"""Benchmarks, one module each, all with the same form of report."""
