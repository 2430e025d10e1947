"""Composition of the constructs into CloudFormation stacks."""
