"""Which constructs a waiver applies to."""

import functools
import re


def matches(pattern: str, path: str) -> bool:
    """Tell whether a construct's path matches a waiver's pattern.

    Args:
        pattern: a path in which `*` stands for anything within one segment and `**` across them.
        path: the construct's path, such as `aur-platform/Logs/Resource`.
    """
    return _compiled(pattern).fullmatch(path) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    expression = "".join(
        ".*" if part == "**" else "[^/]*" if part == "*" else re.escape(part)
        for part in re.split(r"(\*\*|\*)", pattern)
    )
    return re.compile(expression)
