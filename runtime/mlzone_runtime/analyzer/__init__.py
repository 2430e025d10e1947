"""The monitor analyzer: what moved between a model's baseline and its traffic, and why it matters.

It runs as a container with no network, as a SageMaker processing job or under Model Monitor, and
writes Model Monitor's published files next to an explanation for people. `docs/monitoring.md`
describes the files and the method. `python -m mlzone_runtime.analyzer` is the entry point.
"""
