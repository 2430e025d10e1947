"""SageMaker Studio: domains and profiles."""

from mlzone_constructs.studio.domain import StudioDomain, StudioDomainProps

__all__ = ["StudioDomain", "StudioDomainProps"]
