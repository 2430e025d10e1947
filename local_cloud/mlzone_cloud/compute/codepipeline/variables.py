"""Variables in the configuration of actions: `#{namespace.name}`.

Source: AWS CodePipeline User Guide, "Variables reference".
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")


class UnresolvedVariableError(Exception):
    """A reference names nothing; the message says which."""


def resolve(
    configuration: Mapping[str, str], namespaces: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Fill the variables of an action's configuration in.

    Raises:
        UnresolvedVariableError: one of them has no value.
    """

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        try:
            return namespaces[namespace][name]
        except KeyError:
            raise UnresolvedVariableError(
                f"The variable reference {match[0]} could not be resolved: "
                + (
                    f"{namespace} has no {name}"
                    if namespace in namespaces
                    else f"no action with the namespace {namespace} has run"
                )
            ) from None

    return {key: _REFERENCE.sub(value, text) for key, text in configuration.items()}
