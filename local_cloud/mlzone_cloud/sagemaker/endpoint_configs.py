"""Endpoint configurations; moto's lose network settings, capture options and shadow variants."""

from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records

NOUN = "EndpointConfig"
MISSING = 'Could not find endpoint configuration "{arn}".'


@operation("sagemaker", "CreateEndpointConfig")
def create_endpoint_config(call: Call) -> dict[str, Any]:
    """Keep a configuration of models that exist."""
    validate("sagemaker", call.operation, call.params)
    name = call.params["EndpointConfigName"]
    kept = records.store(call.cloud, NOUN, call.account, call.region)
    if name in kept:
        arn = kept[name]["EndpointConfigArn"]
        raise ApiError(
            "ValidationException",
            f'Cannot create already existing endpoint configuration "{arn}".',
        )
    _check_shadows(call.params)
    models = records.store(call.cloud, "Model", call.account, call.region)
    names = set()
    for variant in variants_of(call.params):
        model = variant.get("ModelName")
        if model is None:
            raise ApiError("NotImplemented", "the embedded cloud emulates variants of models alone")
        if model not in models:
            arn = records.arn_of("Model", call.account, call.region, model)
            raise ApiError("ValidationException", f'Could not find model "{arn}".')
        if variant["VariantName"] in names:
            raise ApiError(
                "ValidationException", f"Duplicate variant name {variant['VariantName']}."
            )
        names.add(variant["VariantName"])
    record = records.new(call, NOUN)
    for variant in variants_of(record):
        variant.setdefault("InitialVariantWeight", 1.0)
    kept[name] = record
    return {"EndpointConfigArn": record["EndpointConfigArn"]}


@operation("sagemaker", "DescribeEndpointConfig")
def describe_endpoint_config(call: Call) -> dict[str, Any]:
    """Describe a configuration."""
    return records.shown(call.operation, records.find(call, NOUN, MISSING))


@operation("sagemaker", "ListEndpointConfigs")
def list_endpoint_configs(call: Call) -> dict[str, Any]:
    """List the configurations."""
    return records.listing(call, NOUN, "EndpointConfigs")


@operation("sagemaker", "DeleteEndpointConfig")
def delete_endpoint_config(call: Call) -> dict[str, Any]:
    """Forget a configuration; endpoints that use it go on."""
    record = records.find(call, NOUN, MISSING)
    del records.store(call.cloud, NOUN, call.account, call.region)[record["EndpointConfigName"]]
    return {}


def shadows_of(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the shadow variants of a configuration."""
    return list(configuration.get("ShadowProductionVariants") or ())


def variants_of(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all variants of a configuration."""
    return [*configuration["ProductionVariants"], *shadows_of(configuration)]


def _check_shadows(configuration: dict[str, Any]) -> None:
    shadows = shadows_of(configuration)
    if shadows and (len(shadows) > 1 or len(configuration["ProductionVariants"]) > 1):
        raise ApiError(
            "ValidationException",
            "An endpoint configuration with ShadowProductionVariants has one variant in "
            "ProductionVariants and one in ShadowProductionVariants.",
        )
