"""What computes on the embedded cloud: functions, builds, pipelines, and the events between them.

Everything runs as subprocesses of the cloud's own user; nothing needs Docker.
"""
