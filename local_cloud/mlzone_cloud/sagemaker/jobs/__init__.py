"""Processing, training and transform jobs: real processes with SageMaker's life cycle."""
