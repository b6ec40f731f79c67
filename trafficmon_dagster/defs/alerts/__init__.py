"""Alerts: rules held against what is measured, told once, kept in the lake."""
