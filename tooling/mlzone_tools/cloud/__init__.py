"""How the tools reach a cloud: the embedded one or AWS."""
