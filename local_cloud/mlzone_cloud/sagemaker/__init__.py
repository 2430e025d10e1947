"""SageMaker: jobs and endpoints that run as local processes, the registry, pipelines, monitors."""
