"""MLflow Apps: MLflow's own file store behind its REST API, one folder an app.

The client library is asked only once somebody calls an app: importing it takes a second.
"""
