"""What the actions of a pipeline do, one module a provider."""
