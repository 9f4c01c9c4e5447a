"""Write docs/settings.md from the table of options.

``python -m inference_http.config.settings_page > docs/settings.md``
"""

import sys

from inference_http import contract
from inference_http.cli import default_text
from inference_http.config.option_table import OPTIONS, OTHER_NAMES
from inference_http.config.options import Option

COMMAND = "python -m inference_http.config.settings_page > docs/settings.md"

_INTRODUCTION = f"""\
# Settings of {contract.PRODUCT}

<!-- Generated: `{COMMAND}` -->

Each setting can be given as a flag, in the environment, or in the configuration file, whose keys are the environment's
names. The first of these counts: flag, environment, file, default. The environment is read without regard to case, the
file exactly. An empty variable counts as not set.

- In flags, dashes and underscores are the same, and the beginning of a flag will do as long as no other one begins so.
  Switches (flags without a value) have a `--no-...` form too, which overrules the environment and the file.
- The configuration file is the one named, else `config.json` in `AML_APP_ROOT`, else `config.json` beside the script.
  Its values also reach the script's environment, under the first name listed here. `null` counts as not set.
- A file that is not a JSON object, and a value that cannot be used, end the start with exit code
  {contract.EXIT_START_FAILED}; a wrong command line with {contract.EXIT_USAGE}; no script named with
  {contract.EXIT_FAILED}. An unknown key in the file is a warning.
- Yes and no: `true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off`. The environment's name of a switch takes these.
- `{contract.PRODUCT} --version` prints the version, `--help` this list.
- At start the server prints the settings in force, and where those came from that are not the default.
"""

_CLOSING_HEAD = """\
## Other names

These count in the environment and in the file, and have no flag.

| Name | Meaning |
|---|---|
"""


def page() -> str:
    """Return the text of docs/settings.md."""
    parts = [_INTRODUCTION]
    for group in dict.fromkeys(option.group for option in OPTIONS):
        parts.append(f"## {group}\n\n| Flag | Environment, file | Default | Meaning |\n|---|---|---|---|\n")
        parts[-1] += "".join(_row(option) for option in OPTIONS if option.group == group)
    others = "".join(f"| `{name}` | {meaning[:1].upper()}{meaning[1:]}. |\n" for name, meaning in OTHER_NAMES.items())
    return "\n".join([*parts, _CLOSING_HEAD + others])


def _row(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    flag = f"`{option.flag}{value}`" if option.flag else ""
    name_list = ", ".join(f"`{name}`" for name in option.names)
    default = default_text(option)
    if default and not option.default:
        default = f"`{default}`"
    cells = (flag, name_list, default, option.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
