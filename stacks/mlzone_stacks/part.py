"""Synthesizes a part of the estate for a caller that holds the whole of it to our own rules.

`mlzone` does so: rules look at all templates at once, and a part has only some of them.
"""

from mlzone_stacks.landing_zone import synthesize

if __name__ == "__main__":
    synthesize(whole=False)
