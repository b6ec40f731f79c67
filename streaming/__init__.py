"""The long-running half of Trafficmon: cameras in, verdicts out."""
