"""Amazon EventBridge: buses, rules and targets are moto's records; matching and delivery are ours.

moto delivers to few targets, without asking for permission and with another event pattern language.
"""
