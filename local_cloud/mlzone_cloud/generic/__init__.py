"""Create, read, update, delete and list for operations that moto lacks, from botocore's models."""

from mlzone_cloud.generic.crud import handle

__all__ = ["handle"]
