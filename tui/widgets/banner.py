"""A line that is there only while the state cannot be read: what is wrong, why, and what to do."""

from textual.content import Content
from textual.widgets import Static

from tui.looks import Look
from tui.widgets.still import put


class Banner(Static):
    """Everything else shows the last state that was seen meanwhile; the first line says how old that is."""

    def tell(self, look: Look) -> None:
        """Show the trouble of a look, or nothing."""
        trouble = look.trouble
        self.display = trouble is not None
        if trouble is None:
            return
        rest = " · ".join(part for part in (trouble.why, f"fix: {trouble.fix}" if trouble.fix else "") if part)
        put(self, Content.assemble((f" ✖ {trouble.code} ", "b $error"), (trouble.what, "b"), (f"  {rest}", "$faint")))
