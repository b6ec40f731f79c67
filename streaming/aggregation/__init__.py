"""Merges the groups of a frame into one result, and keeps the newest of each camera in Redis."""
