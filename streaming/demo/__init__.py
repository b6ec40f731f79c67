"""`trafficmon demo`: everything up, a live table, a drained end and a balanced summary."""
