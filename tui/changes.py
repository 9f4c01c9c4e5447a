"""What can be changed from here: what is asked before, and the work that follows. Each says its command line."""

import json
import os
from typing import TYPE_CHECKING

from tui import commands
from tui import format as write
from tui.looks import About, Group, Row
from tui.screens.confirm import Confirm
from tui.screens.form import Field, Form
from tui.source import Order

if TYPE_CHECKING:
    from tui.app import Desk


def new(desk: "Desk") -> None:
    """Bring up a folder; or begin one with the sample."""

    def go(given: dict[str, str] | None) -> None:
        if given is None:
            return
        folder = os.path.abspath(os.path.expanduser(given["folder"] or "."))
        reload = given["reload"] == "yes"
        if given["sample"] == "yes":
            line = f"{commands.line('init', folder)} && {commands.up([folder], reload=reload)}"
            order = Order("start", f"begin {os.path.basename(folder)}", line, {"folder": folder, "reload": reload})
        else:
            line = commands.up([folder], reload=reload)
            order = Order("up", f"up {os.path.basename(folder)}", line, {"paths": [folder], "reload": reload})
        desk.order(order)
        desk.switch_mode("jobs")

    form = Form(
        "Bring up",
        [
            Field("folder", "Folder, or YAML file", os.getcwd()),
            Field("sample", "Write the sample there first", "no", choices=("no", "yes")),
            Field("reload", "Reload the code when it is saved", "no", choices=("no", "yes")),
        ],
        "Endpoints, deployments and traffic become what the YAML files say. What is so already is left alone.",
    )
    desk.push_screen(form, go)


def scale(desk: "Desk", row: Row) -> None:
    """Choose how many instances run."""

    def go(given: dict[str, str] | None) -> None:
        if given is not None and given["count"].isdigit():
            setting(desk, row, "instance_count", int(given["count"]), f"{row.name}: {given['count']} instances")

    default = "0" if row.wanted else "1"
    hint = f"{row.name} has {row.wanted}, of which {row.running} run. 0 stops it: requests to it are then refused."
    desk.push_screen(Form("Instances", [Field("count", "How many", default)], hint), go)


def edit(desk: "Desk", row: Row) -> None:
    """Change any setting of a deployment."""

    def go(given: dict[str, str] | None) -> None:
        key, equals, text = (given or {}).get("setting", "").partition("=")
        if equals:
            setting(desk, row, key.strip(), _value(text.strip()), f"{row.name}: {key.strip()}")

    hint = "For example environment_variables.LOG_LEVEL=debug, or request_settings.request_timeout_ms=9000."
    desk.push_screen(Form(f"Change {row.name}", [Field("setting", "KEY=VALUE", "")], hint), go)


def setting(desk: "Desk", row: Row, key: str, value: object, title: str) -> None:
    """Change one setting of a deployment; the old instances answer until the new ones are ready."""
    shown = value if isinstance(value, str) else json.dumps(value)
    line = commands.edit(row.endpoint, row.name, [f"{key}={shown}"])
    _update(desk, row, title, line, sets=[[key.split("."), value]])


def debug(desk: "Desk", row: Row) -> None:
    """Let a debugger attach."""
    line = f"{commands.edit(row.endpoint, row.name, [])} --vscode-debug"
    _update(desk, row, f"{row.name}: debugger", line, debug=True)


def reload(desk: "Desk", row: Row, *, on: bool) -> None:
    """Run the code from the developer's folder and reload it; or a copy again."""
    line = f"{commands.edit(row.endpoint, row.name, [])}{' --vscode-debug' if on else ''}"
    _update(desk, row, f"{row.name}: reload {'on' if on else 'off'}", line, reload=on)


def reread(desk: "Desk", row: Row) -> None:
    """Take code and model of a deployment again from where they are, as edited since."""

    def go(about: About) -> None:
        if about.code:
            line = commands.edit(row.endpoint, row.name, [f"code_configuration.code={about.code}"])
            _update(desk, row, f"{row.name}: code again", line, sets=[[["code_configuration", "code"], about.code]])

    desk.errand(lambda: desk.source.about(*row.key), go, name="reread")


def heal(desk: "Desk") -> None:
    """Start what should run and does not."""
    desk.order(Order("heal", "bring back what there was", commands.up([])))


def delete(desk: "Desk", row: Row) -> None:
    """Delete a deployment, if that is meant."""
    line = commands.delete_deployment(row.endpoint, row.name)
    effects = [f"{write.plural(row.running, 'instance')} of {row.endpoint}/{row.name} will end."]
    if row.live:
        effects.append(f"It has {row.live} % of the live traffic: it is refused until that is moved away.")
    if row.mirror:
        effects.append(f"The copies that it receives ({row.mirror} %) will go nowhere.")
    order = Order(
        "delete-deployment",
        f"delete {row.name}",
        line,
        {"endpoint": row.endpoint, "deployment": row.name},
        row.endpoint,
        row.name,
    )
    _confirmed(desk, f"Delete {row.name}?", effects, order)


def delete_endpoint(desk: "Desk", group: Group) -> None:
    """Delete an endpoint, if that is meant."""
    running = sum(row.running for row in group.rows)
    effects = [
        f"{write.plural(len(group.rows), 'deployment')} and {write.plural(running, 'instance')} will end.",
        f"Its address ({group.url}) and its keys are gone; clients get no answer.",
    ]
    title = f"Delete endpoint {group.name}?"
    arguments = {"endpoint": group.name}
    order = Order(
        "delete-endpoint", f"delete {group.name}", commands.delete_endpoint(group.name), arguments, group.name
    )
    _confirmed(desk, title, effects, order)


def _confirmed(desk: "Desk", title: str, effects: list[str], order: Order) -> None:
    if desk.refused(order.command):
        return

    def go(yes: bool | None) -> None:  # noqa: FBT001 - what a dialog gives back
        if yes:
            desk.order(order)

    desk.push_screen(Confirm(title, effects, order.command, "Delete"), go)


def _update(desk: "Desk", row: Row, title: str, line: str, **arguments: object) -> None:
    given = {"endpoint": row.endpoint, "deployment": row.name, **arguments}
    desk.order(Order("update", title, line, given, row.endpoint, row.name))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
