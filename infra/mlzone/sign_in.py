"""The endpoints through which the identity provider's people sign in, as `SAML:aud` names them."""

SIGN_IN = "https://signin.aws.amazon.com/saml"
"""The global one; a sign-in through it is recorded in us-east-1."""


def regional_sign_in(region: str) -> str:
    """Return a Region's own endpoint: what comes in through it is recorded in that Region.

    Source: AWS IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail".
    """
    return f"https://{region}.signin.aws.amazon.com/saml"
