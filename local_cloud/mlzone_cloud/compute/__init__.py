"""What runs: events and their targets, functions, builds, pipelines."""
