"""The subcommands of `trafficmon`, a module a noun."""
