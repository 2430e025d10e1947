"""Who is calling: access keys, sessions and the principals behind them."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlzone_access import Principal, PrincipalKind

_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An access key as a client uses it."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""
    expires: datetime | None = None

    def environment(self, region: str) -> dict[str, str]:
        """Return the environment variables that the AWS SDKs read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A principal with what its session carries."""

    principal: Principal
    credentials: Credentials
    session_name: str = ""
    source_identity: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    transitive_tags: tuple[str, ...] = ()
    session_policies: tuple[str, ...] = ()
    """JSON documents given when the session began."""
    issued: datetime | None = None
    chained: bool = False
    federated_by: str = ""
    """The identity provider that vouched for the person, as `aws:FederatedProvider` has it."""

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.principal.account

    @property
    def arn(self) -> str:
        """The ARN that GetCallerIdentity shows and error messages name."""
        return self.principal.session_arn or self.principal.arn


class Identities:
    """All access keys that the cloud accepts."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.changes = 0
        """How often the access keys have changed."""

    def find(self, access_key_id: str, now: datetime) -> Caller | None:
        """Return who uses an access key, or None if it is unknown or has expired."""
        caller = self.callers.get(access_key_id)
        if caller and caller.credentials.expires and caller.credentials.expires <= now:
            return None
        return caller

    def add_root(self, account: str) -> Caller:
        """Give an account a root access key, once."""
        for caller in self.callers.values():
            if caller.account == account and caller.principal.kind is PrincipalKind.ROOT:
                return caller
        return self._add(
            Caller(
                principal=Principal(
                    kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{account}:root", account=account
                ),
                credentials=_mint("AKIA"),
            )
        )

    def add_session(  # noqa: PLR0913
        self,
        *,
        role_arn: str,
        session_name: str,
        now: datetime,
        duration: timedelta,
        source_identity: str = "",
        tags: dict[str, str] | None = None,
        transitive_tags: tuple[str, ...] = (),
        session_policies: tuple[str, ...] = (),
        chained: bool = False,
        role_id: str = "",
        federated_by: str = "",
    ) -> Caller:
        """Begin a session of a role."""
        partition, account, role_name = (
            role_arn.split(":")[1],
            role_arn.split(":")[4],
            role_arn.rsplit("/", 1)[-1],
        )
        session_arn = f"arn:{partition}:sts::{account}:assumed-role/{role_name}/{session_name}"
        return self._add(
            Caller(
                principal=Principal(
                    kind=PrincipalKind.ROLE,
                    arn=role_arn,
                    account=account,
                    session_arn=session_arn,
                    unique_id=role_id,
                ),
                credentials=_mint("ASIA", expires=now + duration, token=True),
                session_name=session_name,
                source_identity=source_identity,
                tags=tags or {},
                transitive_tags=transitive_tags,
                session_policies=session_policies,
                issued=now,
                chained=chained,
                federated_by=federated_by,
            )
        )

    def add_user_key(self, key: str, secret: str, *, arn: str, user_id: str) -> Caller:
        """Accept an access key that IAM made for a user."""
        return self._add(
            Caller(
                principal=Principal(
                    kind=PrincipalKind.USER, arn=arn, account=arn.split(":")[4], unique_id=user_id
                ),
                credentials=Credentials(access_key_id=key, secret_access_key=secret),
            )
        )

    def remove_key(self, key: str) -> None:
        """Refuse an access key from now on."""
        self.callers.pop(key, None)
        self.changes += 1

    def forget_expired(self, now: datetime) -> None:
        """Drop sessions that nobody can use any more."""
        for key in self.callers.copy():
            if self.find(key, now) is None:
                self.remove_key(key)

    def _add(self, caller: Caller) -> Caller:
        self.callers[caller.credentials.access_key_id] = caller
        self.changes += 1
        return caller


def service_principal(service: str) -> Principal:
    """Return the principal of an AWS service, such as `events.amazonaws.com`."""
    return Principal(kind=PrincipalKind.SERVICE, arn=service)


def _mint(prefix: str, *, expires: datetime | None = None, token: bool = False) -> Credentials:
    return Credentials(
        access_key_id=prefix + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16)),
        secret_access_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(48) if token else "",
        expires=expires,
    )
