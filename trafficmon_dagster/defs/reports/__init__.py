"""Reports on what the lake holds."""
