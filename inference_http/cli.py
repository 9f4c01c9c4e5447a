"""The command line: parse, resolve the settings, export the environment, print the banner, serve."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from inference_http import __version__, contract
from inference_http.config import banner
from inference_http.config.option_table import OPTIONS
from inference_http.config.options import Option
from inference_http.config.resolve import resolve
from inference_http.config.settings import ConfigError, Settings, exported_environment
from inference_http.telemetry import logs

_logger = logging.getLogger("azmlinfsrv")
_EXIT_INTERRUPTED = 130  # as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server as ``argv`` (default: the command line) asks for; return its exit code (contract) when it ends."""
    try:
        flags = parse(sys.argv[1:] if argv is None else argv)
    except SystemExit as leaving:  # --help, --version, a usage error
        return leaving.code if isinstance(leaving.code, int) else contract.EXIT_OK
    # Written first, so that it reaches a script; meaningless, as in the reference (S10).
    os.environ["TRANSPORT_PROTOCOL"] = "rest" if flags.pop("rest", False) else "grpc"
    for_vscode = flags.pop("write_vscode", False)
    try:
        resolution = resolve(flags, os.environ)
        settings = resolution.settings
        if for_vscode:
            from inference_http.debug import vscode  # here, because start-up shall not pay for it

            return vscode.command(settings.entry_script, host=settings.debug_host, port=settings.debug_port)
        if path := logs.find_logging_json(settings):
            logs.read_logging_json(path)  # workers apply it; that it is no JSON can be said now
        os.environ.update(exported_environment(settings))
        logs.configure(settings)
        banner.show(settings, resolution.remarks)
        for warning in resolution.warnings:
            _logger.warning("%s", warning)
        from inference_http.process.supervisor import serve  # here, so that --help does not wait for it

        return serve(settings)
    except ConfigError as error:
        json = "json" in (flags.get("log_format"), os.environ.get("INFERENCE_HTTP_LOG_FORMAT"))
        logs.configure(Settings(app_root="", log_format="json" if json else "text"))
        logs.report_config_error(error)
        return error.exit_code
    except KeyboardInterrupt:  # before the supervisor listens to signals: nothing runs yet
        return _EXIT_INTERRUPTED


def parse(argv: Sequence[str]) -> dict[str, Any]:
    """Return the settings that the command line names, field to value; SystemExit as argparse raises it.

    A usage error leaves with 2 and says what is wrong on stderr; ``--help`` leaves with 0 (S3 differs).
    """
    parser = build_parser()
    known, unknown = parser.parse_known_args(_canonical(argv))
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(unknown)}")
    return vars(known)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(contract.EXIT_USAGE, f"{self.format_usage()}{self.prog}: error: {message}\nSee {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all flags in ``OPTIONS``; only what was typed appears in its result."""
    parser = _Parser(
        prog=contract.PRODUCT,
        usage="%(prog)s --entry_script PATH [--model_dir PATH] [--port N] [option ...]",
        description="Serve a scoring script (init() and run()) over HTTP as azmlinfsrv does, with reload and debugger.",
        epilog="Dashes and underscores are the same in flags, unambiguous beginnings will do, and switches have a "
        "--no-... form too. A flag beats the environment, that the configuration file, and that the default.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"{contract.PRODUCT} {__version__}")
    parser.add_argument(
        "--write-vscode", action="store_true", help="Put the debugger's entries into .vscode/launch.json, and exit."
    )
    parser.add_argument("--rest", action="store_true", help=argparse.SUPPRESS)
    groups: dict[str, Any] = {}
    for option in OPTIONS:
        if option.flag is None:
            continue
        group = groups.get(option.group)
        if group is None:
            group = groups[option.group] = parser.add_argument_group(option.group)
        if option.switch:
            on = not option.inverse
            group.add_argument(option.flag, dest=option.field, action="store_const", const=on, help=_help(option))
            hidden = _opposite(option.flag)
            group.add_argument(hidden, dest=option.field, action="store_const", const=not on, help=argparse.SUPPRESS)
        else:
            group.add_argument(
                option.flag, dest=option.field, metavar=option.metavar, type=_reader(option), help=_help(option)
            )
    return parser


def _opposite(flag: str) -> str:
    return f"--{flag[5:]}" if flag.startswith("--no-") else f"--no-{flag[2:]}"


def _reader(option: Option) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return option.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def default_text(option: Option) -> str:
    """Return the option's default for a reader; "" when nothing is the default."""
    value = getattr(Settings(app_root=""), option.field)
    if option.default or value in (None, ()):
        return option.default
    return option.as_text(value)


def _help(option: Option) -> str:
    default = "" if option.switch else default_text(option)
    facts = ([f"default: {default}"] if default else []) + [f"environment: {' or '.join(option.names)}"]
    return f"{option.meaning} [{'; '.join(facts)}]".replace("%", "%%")


def _canonical(argv: Sequence[str]) -> list[str]:
    """Spell flags as the parser knows them; a prefix of the reference's flags means what it means there (S2).

    ``--worker`` would be ambiguous otherwise, for there is a --worker-timeout here.
    """
    known = {option.flag.replace("_", "-"): option for option in OPTIONS if option.flag}
    spelled: list[str] = []
    for position, word in enumerate(argv):
        if word == "--":
            return spelled + list(argv[position:])
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            name = name.replace("_", "-")
            near = [flag for flag, option in known.items() if option.reference_flag and flag.startswith(name)]
            if name in known:
                name = str(known[name].flag)
            elif len(near) == 1:
                name = str(known[near[0]].flag)
        spelled.append(name + equals + value)
    return spelled


def _hint(unknown: Sequence[str]) -> str:
    from difflib import get_close_matches  # here, because start-up shall not pay for it

    first = unknown[0]
    if first.startswith("--"):
        flags = [option.flag for option in OPTIONS if option.flag]
        near = get_close_matches(first.partition("=")[0], flags, n=1)
        return f" (did you mean {near[0]}?)" if near else ""
    return f" (did you mean --entry_script {first}?)" if first.endswith(".py") else ""
