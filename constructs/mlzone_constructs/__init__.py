"""Reusable governed CDK constructs."""
