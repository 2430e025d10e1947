"""Releases: a registered version on its way into an environment.

`registered_version` decides whether a version may leave the registry, `copying` brings its
artefacts, `document` is what travels between them and the two commands `deploy` and `verify`, which
`python -m mlzone_runtime.release` runs in the promotion pipeline.
"""
