"""`trafficmon probe`: one camera's messages through every topic, and what each stage promises."""
