"""What can be changed from here: what is asked before, and the work that follows. Each says its command line."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui import commands
from tui import format as write
from tui.asked import WAITS
from tui.looks import About, Group, Row, Trouble
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


def debug(desk: "Desk", row: Row, about: About | None) -> None:
    """Let a debugger attach, or no longer; what served before serves again then."""
    on = about is None or about.debug_port is None
    _of(desk, row, "debug", f"debugger {'on' if on else 'off'}", commands.debug(row.endpoint, row.name, on=on), on=on)


def wait(desk: "Desk", row: Row, about: About) -> None:
    """Load the script only when a debugger has attached, so that init() can be debugged; or no longer."""
    path = ["environment_variables", WAITS]
    title = f"{row.name}: {'no longer wait' if about.waits else 'wait'} for a debugger"
    if about.waits:
        line = f"{commands.edit(row.endpoint, row.name, [])} --remove {'.'.join(path)}"
        _update(desk, row, title, line, removes=[path])
    else:
        line = commands.edit(row.endpoint, row.name, [f"{'.'.join(path)}=true"])
        _update(desk, row, title, line, sets=[[path, "true"]])


def seal(desk: "Desk", row: Row) -> None:
    """Put a deployment into one image that runs anywhere."""
    _of(desk, row, "seal", "seal", commands.seal(row.endpoint, row.name))


def promote(desk: "Desk", row: Row) -> None:
    """Bring a deployment to a host: which, and in which steps it gets the traffic there."""

    def ask(hosts: Sequence[str]) -> None:
        if not hosts:
            fix = "sandbox host add NAME ssh://user@machine makes one known"
            desk.show_trouble(Trouble("E151", "there is no host to promote to", "none is known yet", fix))
            return
        fields = [
            Field("host", "To which host", hosts[0], choices=tuple(hosts)),
            Field("steps", "Traffic there, step by step", "10,50,100"),
        ]
        hint = "It is sealed, tested here, brought there, tested there, and gets traffic. A bad step is taken back."
        desk.push_screen(Form(f"Promote {row.endpoint}/{row.name}", fields, hint), go)

    def go(given: dict[str, str] | None) -> None:
        if given is None:
            return
        steps = [int(word) for word in given["steps"].split(",") if word.strip().isdigit()]
        line = commands.promote(row.endpoint, row.name, given["host"], ",".join(map(str, steps)))
        _of(desk, row, "promote", f"promote to {given['host']}", line, host=given["host"], steps=steps or [100])

    desk.errand(desk.source.hosts, ask, name="hosts")


def rollback(desk: "Desk", group: Group) -> None:
    """Send the requests where they went before, if that is meant."""
    line = commands.line("rollback", group.name)
    effects = [f"The traffic of {group.name} becomes what it was before the newest change.", "Said again: one more."]
    order = Order("rollback", f"{group.name}: back", line, {"endpoint": group.name}, group.name)
    _confirmed(desk, f"Roll {group.name} back?", effects, order, "Roll back")


def _of(desk: "Desk", row: Row, verb: str, title: str, line: str, **arguments: object) -> None:
    given = {"endpoint": row.endpoint, "deployment": row.name, **arguments}
    desk.order(Order(verb, f"{row.name}: {title}", line, given, row.endpoint, row.name))


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


def mended(desk: "Desk", row: Row) -> None:
    """Ask whether code that was edited is to be taken again."""

    def go(yes: bool | None) -> None:  # noqa: FBT001 - what a dialog gives back
        if yes:
            reread(desk, row)

    effects = ["What serves now goes on until the new instances are ready."]
    line = commands.edit(row.endpoint, row.name, ["code_configuration.code=..."])
    desk.push_screen(Confirm(f"Take the code of {row.name} again?", effects, line, "Take it", danger=False), go)


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


def _confirmed(desk: "Desk", title: str, effects: list[str], order: Order, yes: str = "Delete") -> None:
    if desk.refused(order.command):
        return

    def go(meant: bool | None) -> None:  # noqa: FBT001 - what a dialog gives back
        if meant:
            desk.order(order)

    desk.push_screen(Confirm(title, effects, order.command, yes), go)


def _update(desk: "Desk", row: Row, title: str, line: str, **arguments: object) -> None:
    given = {"endpoint": row.endpoint, "deployment": row.name, **arguments}
    desk.order(Order("update", title, line, given, row.endpoint, row.name))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
