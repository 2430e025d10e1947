"""The guardrail on the life of a model: who makes, validates and decides on its versions."""

from mlzone.guarded_action import AUTHORING
from mlzone.guardrail_statement import EXECUTION_ROLE, Statement, approvers, deny, unless
from mlzone.naming import Naming

VALIDATION = "validation"
"""The property of a model version that says who validated it, and by which report."""


def life_cycle(naming: Naming) -> list[Statement]:
    """Segregation of duties in the registry (MOD-02, MOD-03)."""
    decided = {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}
    update = "sagemaker:UpdateModelPackage"
    return [
        deny("NobodyIsBornApproved", "sagemaker:CreateModelPackage", Condition=decided),
        deny("OnlyApproversDecide", update, Condition={**decided, **unless(approvers(naming))}),
        deny(
            "ApproversHaveAName",
            update,
            Condition={**decided, "Null": {"aws:SourceIdentity": "true"}},
        ),
        deny(
            "AuthorsDoNotApprove",
            update,
            Condition={
                "StringEquals": {
                    **decided["StringEquals"],
                    "sagemaker:CurrentCustomerMetadataProperties/author": "${aws:SourceIdentity}",
                }
            },
        ),
        *_validation(naming, update),
        deny(
            "AuthorStays",
            update,
            Condition={"Null": {"sagemaker:CustomerMetadataProperties/author": "false"}},
        ),
        deny(
            "AuthorIsNotRemoved",
            update,
            Condition={
                "ForAnyValue:StringEquals": {
                    "sagemaker:CustomerMetadataPropertiesToRemove": ["author"]
                }
            },
        ),
        deny(
            "EveryVersionHasAnAuthor",
            "sagemaker:CreateModelPackage",
            Condition={"Null": {"sagemaker:CustomerMetadataProperties/author": "true"}},
        ),
        deny(
            "ApproversDoNotAuthor",
            AUTHORING,
            Condition={"ArnLike": {"aws:PrincipalArn": [approvers(naming)]}},
        ),
        deny(
            "RegistryPoliciesByPlatformOnly",
            ("sagemaker:PutModelPackageGroupPolicy", "sagemaker:DeleteModelPackageGroupPolicy"),
            Condition=unless(EXECUTION_ROLE),
        ),
    ]


def _validation(naming: Naming, update: str) -> list[Statement]:
    """An approver signs a validation in their own name, and approves no version by it (MOD-06)."""
    signed = f"sagemaker:CustomerMetadataProperties/{VALIDATION}"
    signing = {"Null": {signed: "false"}}
    own = "${aws:SourceIdentity} *"
    decided = {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}
    return [
        deny(
            "OnlyApproversValidate",
            ("sagemaker:CreateModelPackage", update),
            Condition={**signing, **unless(approvers(naming))},
        ),
        deny(
            "ValidatorsSignThemselves",
            update,
            Condition={**signing, "StringNotLike": {signed: own}},
        ),
        deny("ValidationComesBefore", update, Condition={**decided, **signing}),
        deny(
            "ValidatorsDoNotApprove",
            update,
            Condition={
                "StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"},
                "StringLike": {f"sagemaker:CurrentCustomerMetadataProperties/{VALIDATION}": own},
            },
        ),
        deny(
            "ValidationIsNotRemoved",
            update,
            Condition={
                "ForAnyValue:StringEquals": {
                    "sagemaker:CustomerMetadataPropertiesToRemove": [VALIDATION]
                }
            },
        ),
    ]
