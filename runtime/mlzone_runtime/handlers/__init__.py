"""The Lambda functions of the platform: one module each, with a function `handler`."""
