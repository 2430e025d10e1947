"""Batches: a model answers once a day for all records of a day, and it is known what it answered.

`preparation` makes a day's files into what the model takes, `record` says of a run what went in and
what came out, `begin` starts a run unless there is one, and `end` closes it.
"""
