"""Where the project is published: from its own metadata, which has [project.urls] of pyproject.toml."""

from importlib import metadata


def published() -> dict[str, str]:
    """The project's addresses by lower-case label; none before it is published."""
    lines = metadata.metadata("kx-widget").get_all("Project-URL") or []
    pairs = (line.partition(",")[::2] for line in lines)
    return {label.strip().lower(): address.strip() for label, address in pairs}
