"""The prover proves the guardrails that hold, and shows how the others are got round."""

from typing import Any

import pytest

from mlzone_access import Layer, Policies, Policy, Principal, PrincipalKind
from mlzone_access.errors import UnencodableError
from mlzone_access.prover import ANY_ACCOUNT, AnyRole, Claim, Proof, Status, Theorem, prove

HOME = "111111111111"
FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DELIVERY = "arn:aws:iam::*:role/mlzone/*-delivery"
MY_BUCKET = [
    "arn:aws:s3:::aur-${aws:PrincipalTag/team}",
    "arn:aws:s3:::aur-${aws:PrincipalTag/team}/*",
]
AUTHOR = {
    "StringEquals": {
        "sagemaker:ModelApprovalStatus": "Approved",
        "sagemaker:CurrentCustomerMetadataProperties/author": "${aws:SourceIdentity}",
    }
}


def _policy(*statements: dict[str, Any]) -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, name="guard")


def _deny(action: Any, **elements: Any) -> dict[str, Any]:
    if "NotResource" not in elements:
        elements = {"Resource": "*", **elements}
    return {"Effect": "Deny", "Action": action, **elements}


def _under(*guards: dict[str, Any], forbidden: Claim, **options: Any) -> Proof:
    policies = Policies(scps=((_policy(FULL, *guards),),))
    return prove(
        Theorem(name="t", statement="s", policies=policies, forbidden=forbidden, **options)
    )


def test_no_team_reaches_the_bucket_of_another() -> None:
    isolation = _deny("s3:*", NotResource=MY_BUCKET)
    team_a = Claim.of(Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}})
    outside = Claim.of(Action="s3:*", Resource="arn:aws:s3:::aur-b/*")

    assert _under(isolation, forbidden=outside, assumptions=(team_a,)).status is Status.PROVED


def test_isolation_holds_for_every_team_at_once() -> None:
    isolation = _deny("s3:*", NotResource=MY_BUCKET)

    proof = _under(isolation, forbidden=Claim.of(Action="s3:*", NotResource=MY_BUCKET))

    assert proof.status is Status.PROVED


def test_without_the_guardrail_the_counterexample_is_an_allowed_request() -> None:
    proof = _under(forbidden=Claim.of(Action="s3:Get*", Resource="arn:aws:s3:::aur-b/*"))

    assert proof.status is Status.REFUTED
    assert proof.request is not None
    assert proof.request.action.startswith("s3:Get")
    assert proof.request.resource.startswith("arn:aws:s3:::aur-b/")
    assert proof.decision is not None
    assert proof.decision.allowed


def test_one_null_with_two_keys_does_not_guard_either() -> None:
    keys = ("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds")
    forbidden = Claim.of(Action="sagemaker:CreateModel", Condition={"Null": {keys[0]: "true"}})
    together = _deny("sagemaker:Create*", Condition={"Null": dict.fromkeys(keys, "true")})
    apart = [_deny("sagemaker:Create*", Condition={"Null": {key: "true"}}) for key in keys]

    trap = _under(together, forbidden=forbidden)

    assert trap.status is Status.REFUTED
    assert trap.request is not None
    assert trap.request.values("sagemaker:vpcsecuritygroupids") is not None
    assert _under(*apart, forbidden=forbidden).status is Status.PROVED


def test_no_author_approves_their_own_model() -> None:
    guard = _deny("sagemaker:UpdateModelPackage", Condition=AUTHOR)
    forbidden = Claim.of(Action="sagemaker:UpdateModelPackage", Condition=AUTHOR)

    assert _under(guard, forbidden=forbidden).status is Status.PROVED
    assert _under(forbidden=forbidden).status is Status.REFUTED


def test_production_changes_only_by_the_delivery_role() -> None:
    others = {"ArnNotLike": {"aws:PrincipalArn": DELIVERY}}
    guard = _deny("sagemaker:*Endpoint*", Condition=others)
    change = "sagemaker:UpdateEndpoint"

    by_others = _under(guard, forbidden=Claim.of(Action=change, Condition=others))
    by_anyone = _under(guard, forbidden=Claim.of(Action=change))

    assert by_others.status is Status.PROVED
    assert by_anyone.request is not None
    assert by_anyone.request.principal.arn.endswith("-delivery")


def test_an_allow_list_of_instances_leaves_no_other() -> None:
    guard = _deny(
        "sagemaker:Create*",
        Condition={
            "ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": ["ml.t3.*", "ml.m5.*"]}
        },
    )
    gpu = {"ForAnyValue:StringLike": {"sagemaker:InstanceTypes": "ml.p5.*"}}

    proof = _under(guard, forbidden=Claim.of(Action="sagemaker:CreateTrainingJob", Condition=gpu))

    assert proof.status is Status.PROVED


@pytest.mark.parametrize(("limit", "status"), [("3600", Status.PROVED), ("3599", Status.REFUTED)])
def test_numbers_are_compared_exactly(limit: str, status: Status) -> None:
    key = "sagemaker:MaxRuntimeInSeconds"
    guard = _deny("sagemaker:*", Condition={"NumericGreaterThan": {key: "3600"}})
    over = Claim.of(
        Action="sagemaker:CreateTrainingJob", Condition={"NumericGreaterThan": {key: limit}}
    )

    assert _under(guard, forbidden=over).status is status


def test_an_address_range_is_covered_or_not() -> None:
    guard = _deny("s3:*", Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/9"}})

    def inside(network: str) -> Status:
        condition = {"IpAddress": {"aws:SourceIp": network}}
        return _under(guard, forbidden=Claim.of(Action="s3:GetObject", Condition=condition)).status

    assert inside("10.128.0.0/9") is Status.PROVED
    assert inside("10.0.0.0/8") is Status.REFUTED


def test_a_guard_on_known_actions_misses_those_that_are_not_in_the_catalogue_yet() -> None:
    listed = _deny(["sagemaker:Create*", "sagemaker:Update*"])

    proof = _under(listed, forbidden=Claim.of(Action="sagemaker:C*"))

    assert proof.status is Status.REFUTED
    assert proof.request is not None
    assert not proof.request.action.startswith("sagemaker:Create")


def test_a_boundary_holds_whatever_the_identity_policies_say() -> None:
    boundary = _policy({"Effect": "Allow", "Action": ["s3:*", "sagemaker:*"], "Resource": "*"})
    theorem = Theorem(
        name="no-iam",
        statement="Nobody under the boundary touches IAM.",
        policies=Policies(boundary=boundary),
        forbidden=Claim.of(Action="iam:*"),
    )

    assert prove(theorem).status is Status.PROVED


def test_a_key_that_names_one_team_is_closed_to_every_other_role() -> None:
    key = _policy(
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {"AWS": f"arn:aws:iam::{HOME}:role/mlzone/fraud"},
        }
    )
    theorem = Theorem(
        name="key",
        statement="Only the fraud team decrypts.",
        policies=Policies(resource=key),
        forbidden=Claim.of(
            Action="kms:Decrypt",
            Resource=f"arn:aws:kms:sa-east-1:{HOME}:key/*",
            Condition={
                "ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:role/mlzone/fraud"}
            },
        ),
        resource_account=HOME,
    )

    assert prove(theorem).status is Status.PROVED


def test_nobody_of_another_account_comes_in_without_the_resources_policy() -> None:
    elsewhere = Claim.of(
        Action="sqs:*", Condition={"StringNotEquals": {"aws:PrincipalAccount": HOME}}
    )
    theorem = Theorem(
        name="outside",
        statement="No other account reaches the queue.",
        policies=Policies(),
        forbidden=elsewhere,
        resource_account=HOME,
    )

    proof = prove(theorem)

    assert proof.status is Status.PROVED


def test_the_worst_resource_policy_does_not_get_past_an_scp() -> None:
    proof = _under(
        _deny("s3:*"),
        forbidden=Claim.of(Action="s3:GetObject"),
        any_resource=True,
        resource_account=ANY_ACCOUNT,
    )

    assert proof.status is Status.PROVED


def test_service_linked_roles_are_outside_of_scps() -> None:
    forbidden = Claim.of(Action="s3:GetObject")

    linked = _under(_deny("s3:*"), forbidden=forbidden, caller=AnyRole(service_linked=True))

    assert linked.status is Status.REFUTED
    assert linked.request is not None
    assert linked.request.principal.service_linked


def test_a_given_caller_with_its_own_policies_is_no_worst_case() -> None:
    caller = Principal(
        kind=PrincipalKind.ROLE, arn=f"arn:aws:iam::{HOME}:role/analyst", account=HOME
    )
    reads = _policy({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})

    def never(action: str) -> Proof:
        return prove(
            Theorem(
                name="t",
                statement="s",
                policies=Policies(identity=(reads,)),
                forbidden=Claim.of(Action=action),
                caller=caller,
                any_identity=False,
            )
        )

    assert never("s3:PutObject").status is Status.PROVED
    refuted = never("s3:GetObject")
    assert refuted.decision is not None
    assert refuted.decision.layer is Layer.IDENTITY


def test_a_theorem_about_nothing_is_called_vacuous() -> None:
    nothing = Claim.of(
        Action="s3:GetObject",
        Condition={
            "StringEquals": {"aws:PrincipalTag/team": "a"},
            "StringNotEquals": {"aws:PrincipalTag/team": "a"},
        },
    )

    assert _under(forbidden=nothing).status is Status.VACUOUS


def test_what_has_no_exact_encoding_is_an_error_and_not_a_guess() -> None:
    odd = _deny("s3:*", Resource="arn:aws:s3:::?-${aws:PrincipalTag/team}")

    with pytest.raises(UnencodableError):
        _under(odd, forbidden=Claim.of(Action="s3:GetObject"))


@pytest.mark.parametrize("text", ["\\u{41}", "a\\b", "\\", 'é"\n'])
def test_text_that_z3_would_read_as_an_escape_stays_text(text: str) -> None:
    other = _deny("s3:*", Condition={"StringNotEquals": {"aws:PrincipalTag/team": text}})

    proof = _under(other, forbidden=Claim.of(Action="s3:GetObject"))

    assert proof.request is not None
    assert proof.request.values("aws:principaltag/team") == (text,)


SYSTEMS = "arn:aws:iam::*:role/mlzone/*-system"


@pytest.mark.parametrize("bring", ["s3:PutObject", "s3:*"])
def test_a_denial_to_roles_of_which_the_claim_does_not_speak_counts_all_the_same(
    bring: str,
) -> None:
    only = {
        **_deny(None, Condition={"ArnLike": {"aws:PrincipalArn": SYSTEMS}}),
        "NotAction": bring,
    }
    del only["Action"]
    one = {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/mlzone/a-system"}}
    deleting = Claim.of(Action="s3:DeleteObject", Condition=one)

    expected = Status.PROVED if bring == "s3:PutObject" else Status.REFUTED
    assert _under(only, forbidden=deleting, caller=AnyRole(account=HOME)).status is expected
    given = Principal(
        kind=PrincipalKind.ROLE, arn=f"arn:aws:iam::{HOME}:role/mlzone/a-system", account=HOME
    )
    deleting = Claim.of(Action="s3:DeleteObject")
    assert _under(only, forbidden=deleting, caller=given).status is expected
