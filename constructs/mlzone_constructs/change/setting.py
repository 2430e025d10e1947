"""What every part of a unit's pipeline shares: where it runs, what it deploys, with which key."""

from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.change_policy import Change
from mlzone.estate import BusinessUnit, Stage
from mlzone.persona import Place
from mlzone.surroundings import Statement, Surroundings
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps


@dataclass(frozen=True, kw_only=True)
class ChangeSetting:
    """The pipeline of a unit, in the shared-services account."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """What it deploys."""
    key: kms.IKey
    """Encrypts artefacts and logs."""

    def policy(self, scope: Construct) -> Change:
        """Return what the policies of the pipeline's roles name."""
        governance = self.governance
        place = governance.place(scope)
        source = governance.estate.organization.source
        connection = None if source.provider == "codecommit" else source.connection_arn
        name = source.repository or ""
        return Change(
            surroundings=Surroundings(
                naming=governance.naming,
                partition=place.partition,
                account=place.account,
                region=place.region,
                shared_services=governance.shared_services,
                home_region=governance.home_region,
                title=self.unit.title,
                unit=self.unit.name,
                place=Place.SHARED_SERVICES,
                keys=(self.key.key_arn,),
            ),
            repository="/".join(filter(None, (source.owner, name))) if connection else name,
            connection_arn=connection,
        )

    def place(self, stage: Stage) -> tuple[str, str]:
        """Return account and Region of an environment."""
        return (
            self.unit.environments[stage].account,
            self.governance.estate.region(self.unit, stage),
        )

    def role(
        self,
        scope: Construct,
        construct_id: str,
        *,
        purpose: str,
        service: str,
        description: str,
        statements: list[Statement],
    ) -> GovernedRole:
        """Make a role of the pipeline.

        Args:
            scope: where it is made.
            construct_id: its id.
            purpose: what it is for, in a word; part of its name.
            service: the service that takes it.
            description: what works with it.
            statements: what it may do.
        """
        return GovernedRole(
            scope,
            construct_id,
            GovernedRoleProps(
                governance=self.governance,
                role_name=self.governance.naming.change_role(self.unit.name, purpose),
                description=description,
                service=service,
                statements=statements,
            ),
        )
