"""A few questions at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static


@dataclass(frozen=True, slots=True)
class Field:
    """One question. ``choices``: one of them; without any, free text."""

    name: str
    label: str
    value: str = ""
    choices: tuple[str, ...] = ()


class Form(ModalScreen["dict[str, str] | None"]):
    """Gives the answers by name, or None."""

    BINDINGS: ClassVar = [Binding("escape", "cancel", "cancel")]
    AUTO_FOCUS: ClassVar = "Input"

    def __init__(self, title: str, fields: Sequence[Field], hint: str = "") -> None:
        super().__init__()
        self._title, self._fields, self._hint = title, fields, hint

    def compose(self) -> ComposeResult:
        """Lay out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            if self._hint:
                yield Static(Content.styled(self._hint, "$faint"), classes="hint")
            for field in self._fields:
                with Horizontal(classes="field"):
                    yield Label(field.label)
                    if field.choices:
                        options = [(each, each) for each in field.choices]
                        yield Select(options, value=field.value, allow_blank=False, id=field.name, compact=True)
                    else:
                        yield Input(field.value, id=field.name, compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Go", id="go", variant="primary", compact=True)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._give()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self._give()
        else:
            self.dismiss(None)

    def _give(self) -> None:
        found = {}
        for field in self._fields:
            widget = self.query_one(f"#{field.name}")
            found[field.name] = widget.value.strip() if isinstance(widget, Input) else str(getattr(widget, "value", ""))
        self.dismiss(found)

    def action_cancel(self) -> None:
        """Give nothing."""
        self.dismiss(None)
