"""What Trafficmon is measured beside, each in an environment of its own."""
