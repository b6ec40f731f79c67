"""Measurements of this machine, a module a benchmark, all in the same form of report."""
