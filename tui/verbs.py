"""Every command of ``sandbox`` that does something here, for the palette; the command line's own tables tell them."""

import functools


@functools.cache
def verbs() -> tuple[tuple[str, str], ...]:
    """Return the words of each command and what it does."""
    from sandbox.cli import catalog

    found: list[tuple[str, str]] = []
    for entry in catalog.ENTRIES:
        if entry.section in {catalog.OWN, catalog.AZURE} and entry.name != "tui":
            group = catalog.group(entry.name)
            known = group.verbs if group is not None else ()
            found += [(f"{entry.name} {each.name}".strip(), _sentence(each.summary)) for each in known]
    return tuple(found)


def _sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{summary[1:]}."
