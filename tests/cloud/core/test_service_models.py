"""Service models as the cloud reads them."""

from botocore.loaders import JSONFileLoader, Loader

from mlzone_cloud.service_models import FrugalFileLoader


def without_texts(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: "" if key == "documentation" and isinstance(item, str) else without_texts(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_texts(item) for item in value]
    return value


def test_models_lack_their_documentation_and_nothing_else() -> None:
    for service in ("apigateway", "s3", "sts"):
        full = Loader(file_loader=JSONFileLoader()).load_service_model(service, "service-2")
        frugal = Loader(file_loader=FrugalFileLoader()).load_service_model(service, "service-2")

        assert frugal != full
        assert frugal == without_texts(full)
