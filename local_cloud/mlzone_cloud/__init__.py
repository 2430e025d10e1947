"""The embedded cloud: AWS's interfaces on this machine, moto extended."""
