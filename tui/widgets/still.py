"""Text that is drawn anew only when it is another one: an update lays out the whole page."""

from textual.content import Content
from textual.widgets import Static


def put(view: Static, text: Content) -> None:
    """Show a text, unless it is shown already."""
    shown = view.content
    if not isinstance(shown, Content) or shown.plain != text.plain or shown.spans != text.spans:
        view.update(text)
