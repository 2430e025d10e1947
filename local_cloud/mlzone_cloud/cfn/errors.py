"""How a template or a resource fails."""


class TemplateError(Exception):
    """The template is wrong; nothing was touched. The text is AWS's wording."""


class ResourceError(Exception):
    """A resource could not be made, changed or removed; the stack rolls back."""
