"""Numbers and times for people: short, with their unit, and a dash for what is not known."""

from datetime import datetime

NOTHING = "-"


def rate(value: float | None) -> str:
    """Write requests per second."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def milliseconds(value: float | None) -> str:
    """Write a duration that was measured in milliseconds."""
    if value is None:
        return NOTHING
    if value < 10:
        return f"{value:g} ms" if value == int(value) else f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def percent(value: float | None) -> str:
    """Write a share of 100."""
    if value is None:
        return NOTHING
    return f"{value:.1f}%" if 0 < value < 10 else f"{value:.0f}%"


def memory(value: int | None) -> str:
    """Write bytes."""
    if value is None:
        return NOTHING
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value = value / 1024  # type: ignore[assignment]
    return f"{value:.1f} GB"


def duration(seconds: float) -> str:
    """Write how long something took or how old it is."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def age(seconds: float) -> str:
    """Write the age of data: whole seconds, then larger units."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    return f"{int(seconds) // 60} min" if seconds < 3600 else f"{int(seconds) // 3600} h"


def clock(iso: str) -> str:
    """Write the time of day of an ISO 8601 moment, in this machine's time zone; as it came where it is none."""
    try:
        return datetime.fromisoformat(iso.replace("Z", "+00:00")).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return iso[:8]


def bar(share: float, width: int) -> tuple[str, str]:
    """Draw a share of 100 as a full and an empty part, together ``width`` wide; what is not zero is seen."""
    full = round(share / 100 * width)
    full = min(width, max(1 if share > 0 else 0, full))
    return "━" * full, "─" * (width - full)


def short_path(path: str, width: int) -> str:
    """Shorten a path from its beginning, which tells the least."""
    return path if len(path) <= width else f"…{path[-(width - 1) :]}"


def plural(count: int, noun: str) -> str:
    """Write a number and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
