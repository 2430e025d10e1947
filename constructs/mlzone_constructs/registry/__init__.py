"""The central model registry and what surrounds it."""

from mlzone_constructs.registry.model_registry import ModelRegistry, ModelRegistryProps

__all__ = ["ModelRegistry", "ModelRegistryProps"]
