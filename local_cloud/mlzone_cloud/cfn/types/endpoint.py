"""SageMaker endpoints: an update that SageMaker has rolled back is a failed update."""

from mlzone_cloud.cfn.api_provider import ApiProvider
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.state import Json, StackResource

TYPE_NAME = "AWS::SageMaker::Endpoint"


class EndpointProvider(ApiProvider):
    """`AWS::SageMaker::Endpoint`."""

    def settle(self, context: Context, resource: StackResource) -> Json:
        """Wait until the endpoint serves the configuration that it should.

        Raises:
            ResourceError: it failed, or it went back to what it served before.
        """
        attributes = super().settle(context, resource)
        name = str(resource.attributes.get("EndpointName") or resource.physical_id).rsplit("/")[-1]
        found = context.client("sagemaker").describe_endpoint(EndpointName=name)
        wanted = str(resource.properties["EndpointConfigName"]).rsplit("/", 1)[-1]
        if found["EndpointConfigName"] != wanted:
            reason = found.get("FailureReason", "the update was rolled back")
            raise ResourceError(
                f"the endpoint serves {found['EndpointConfigName']} and not {wanted}: {reason}",
                code="NotStabilized",
            )
        return attributes
