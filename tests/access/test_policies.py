"""What a policy document must look like, and what a fault in it is called."""

import json
from typing import Any

import pytest

from mlzone_access import Policies, Policy, PolicyError, PolicyKind

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _document(**changes: Any) -> dict[str, Any]:
    statement = {**GOOD, **changes}
    return {
        "Version": "2012-10-17",
        "Statement": [{k: v for k, v in statement.items() if v is not None}],
    }


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected a JSON object"),
        ('{"Statement": [], "Statement": []}', "occurs twice"),
        ("[" * 100_000, "not valid JSON"),
        ({"Statement": []}, "expected one statement"),
        ({}, "expected one statement"),
        ({"Version": "2020-01-01", "Statement": [GOOD]}, "2012-10-17"),
        ({"Statement": [GOOD], "Statements": []}, "'Statements' is not an element"),
        ({"Statement": ["Allow"]}, "expected a JSON object"),
        (_document(Effect="allow"), "expected Allow or Deny"),
        (_document(Actions="s3:*"), "'Actions' is not an element"),
        (_document(NotAction="s3:*"), "both Action and NotAction"),
        (_document(NotResource="*"), "both Resource and NotResource"),
        (_document(Principal="*", NotPrincipal="*"), "both Principal and NotPrincipal"),
        (_document(Action=None), "expected Action or NotAction"),
        (_document(Action=[]), "expected text or a list"),
        (_document(Action="GetObject"), "expected service:Action"),
        (_document(Action="s*:GetObject"), "wildcard in its service"),
        (_document(Resource="bucket/key"), "expected an ARN"),
        (_document(Resource=["arn:aws:s3:::b/${aws:username"]), "not a policy variable"),
        (_document(Resource=7), "expected text or a list"),
        (_document(Sid=7), "expected text"),
        (_document(Principal={"AWS": "arn:aws:iam::1:role/*"}), "wildcard"),
        (_document(Principal={"Aws": "*"}), "not AWS, Service"),
        (_document(Principal="arn:aws:iam::1:role/r"), 'expected "*" or a mapping'),
        (_document(Condition=[]), "expected a JSON object"),
        (_document(Condition={"StringEqual": {"aws:x": "y"}}), "not a condition operator"),
        (_document(Condition={"SomeValue:StringEquals": {"a:x": "y"}}), "not a condition operator"),
        (_document(Condition={"NullIfExists": {"aws:x": "true"}}), "Null takes neither"),
        (_document(Condition={"Null": {"aws:x": "maybe"}}), 'expected "true" or "false"'),
        (_document(Condition={"NumericLessThan": {"s3:max-keys": "ten"}}), "expected a number"),
        (_document(Condition={"NumericLessThan": {"s3:max-keys": "inf"}}), "expected a number"),
        (_document(Condition={"DateLessThan": {"aws:CurrentTime": "soon"}}), "expected a date"),
        (_document(Condition={"Bool": {"aws:SecureTransport": "yes"}}), '"true" or "false"'),
        (_document(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/40"}}), "CIDR"),
        (_document(Condition={"StringEquals": {"aws:x": {"y": 1}}}), "a number or a boolean"),
        (_document(Condition={"StringEquals": "x"}), "JSON object of keys"),
    ],
)
def test_a_faulty_document_is_refused_with_its_place(document: Any, complaint: str) -> None:
    with pytest.raises(PolicyError, match="team-policy") as caught:
        Policy.parse(document, name="team-policy")

    assert complaint in str(caught.value)


def test_the_place_names_the_statement_and_the_element() -> None:
    document = {"Statement": [GOOD, {**GOOD, "Effect": "Permit"}]}

    with pytest.raises(PolicyError) as caught:
        Policy.parse(document, name="p")

    assert caught.value.where == "Statement[1].Effect"


def test_two_statements_with_one_sid_are_refused() -> None:
    document = {"Statement": [{**GOOD, "Sid": "Same"}, {**GOOD, "Sid": "Same"}]}

    with pytest.raises(PolicyError, match="'Same' occurs twice"):
        Policy.parse(document, name="p")


def test_text_and_mapping_parse_alike() -> None:
    document = _document(Condition={"Bool": {"aws:SecureTransport": True}})

    text = Policy.parse(json.dumps(document), name="p")
    mapping = Policy.parse(document, name="p")

    assert [s.id for s in text.statements] == [s.id for s in mapping.statements]
    assert text.statements[0].action_patterns == ("s3:getobject",)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (PolicyKind.IDENTITY, {"Principal": "*"}),
        (PolicyKind.BOUNDARY, {"Principal": "*"}),
        (PolicyKind.SCP, {"Principal": "*"}),
        (PolicyKind.IDENTITY, {"Resource": None}),
        (PolicyKind.RESOURCE, {}),
        (PolicyKind.ENDPOINT, {}),
        (PolicyKind.RCP, {}),
        (PolicyKind.TRUST, {"Resource": None}),
        (PolicyKind.TRUST, {"Principal": "*"}),
    ],
)
def test_a_policy_has_the_elements_of_its_kind(kind: PolicyKind, changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(_document(**changes), name="p", kind=kind)


def test_a_policy_with_principals_is_not_an_identity_policy() -> None:
    bucket_policy = Policy.parse(_document(Principal="*"), name="p")

    with pytest.raises(PolicyError, match="must name no principal"):
        Policies(identity=(bucket_policy,))


def test_a_policy_without_principals_is_not_a_resource_policy() -> None:
    identity_policy = Policy.parse(_document(), name="p")

    with pytest.raises(PolicyError, match="must name principals"):
        Policies(resource=identity_policy)
