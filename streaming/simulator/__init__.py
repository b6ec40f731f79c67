"""What stands in for the outside world: cameras with ground truth, and a provider."""
