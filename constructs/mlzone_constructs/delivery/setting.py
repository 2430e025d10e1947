"""What every part of a model's delivery shares: its place, the network, the key, the policies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from constructs import Construct

from mlzone.delivery_policy import Delivery
from mlzone.estate import Stage
from mlzone.image import Image, image_uri, repository_uri
from mlzone.surroundings import Statement
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.serving import ModelPlace


@dataclass(frozen=True, kw_only=True)
class DeliverySetting:
    """A model's delivery in one environment."""

    place: ModelPlace
    """The model in its environment."""
    foundation: FoundationReferences
    """Network and key of the environment."""

    @property
    def pipeline_name(self) -> str:
        """The name of the CodePipeline."""
        naming, unit, model = self.place.naming, self.place.unit.name, self.place.model.name
        if self.place.stage is Stage.DEV:
            return naming.build_pipeline(unit, model)
        return naming.promotion_pipeline(unit, model, self.place.stage)

    def policy(self, scope: Construct, *more_keys: str) -> Delivery:
        """Return what the policies of the delivery's roles name.

        Args:
            scope: where the roles are made.
            more_keys: keys that they work with beside the environment's.
        """
        surroundings = self.place.surroundings(scope, self.foundation.key_arn)
        return Delivery(
            surroundings=replace(surroundings, keys=(*surroundings.keys, *more_keys)),
            model=self.place.model.name,
            pipeline=self.pipeline_name,
            own_image=self.place.model.own_image,
        )

    def project_name(self, purpose: str) -> str:
        """Return the name of a CodeBuild project."""
        place = self.place
        return place.naming.codebuild_project(
            place.unit.name, place.model.name, place.stage, purpose
        )

    def image(self, image: Image) -> str:
        """Return where an image of the platform is pulled from."""
        governance = self.place.governance
        return image_uri(
            self.place.naming, governance.shared_services, governance.home_region, image
        )

    @property
    def repository(self) -> str:
        """Where the images of the model's server are, without a version."""
        place = self.place
        if not place.model.own_image:
            return self.image("tabular").rpartition(":")[0]
        name = place.naming.own_image_repository(place.unit.name, place.model.name)
        governance = place.governance
        return repository_uri(governance.shared_services, governance.home_region, name)


def statements(*parts: Sequence[Statement]) -> list[Statement]:
    """Return the statements of several policies as those of one."""
    return [item for part in parts for item in part]
