"""``sandbox --help`` and ``sandbox GROUP --help``."""

from sandbox.cli import catalog
from sandbox.cli.words import Group

PATH = """\
usage: sandbox COMMAND ...        Online endpoints on your own machine, from the YAML files of Azure ML v2.

The way, in an empty folder:
  sandbox init shop && cd shop            a scoring script, YAML files, a request
  sandbox serve score.py                  edit and reload, until run() does what it should
  sandbox up .                            the endpoint and its deployment, with address and keys
  sandbox online-endpoint invoke -n shop -r sample-request.json
  sandbox online-deployment create -n green -e shop -f blue-deployment.yml
  sandbox online-endpoint update -n shop --traffic "blue=90 green=10"
  sandbox status                          what runs, who gets which traffic
  sandbox down --all                      everything away again
"""


def overview() -> str:
    """Return the text of ``sandbox --help``."""
    lines = [PATH]
    for section in (catalog.OWN, catalog.AZURE, catalog.CLOUD):
        lines.append(f"{section}:")
        listed = [entry for entry in catalog.ENTRIES if entry.section == section]
        if section == catalog.CLOUD:
            lines += [f"  {', '.join(entry.name for entry in listed)}", ""]
        else:
            lines += [*(f"  {entry.name:<19}{entry.summary}" for entry in listed), ""]
    lines.append("A script for az ml works after replacing `az ml` by `sandbox`. COMMAND --help has examples.")
    lines.append("sandbox --host NAME COMMAND ... does it on a host.\n")
    return "\n".join(lines)


def of_group(group: Group) -> str:
    """Return the text of ``sandbox GROUP --help``."""
    lines = [f"usage: sandbox {group.name} VERB ...", "", f"{group.summary[:1].upper()}{group.summary[1:]}.", ""]
    verbs = [verb for verb in group.verbs if verb.name != "*"]
    widest = max((len(verb.name) for verb in verbs), default=0)
    lines += [f"  {verb.name:<{widest + 2}}{verb.summary}" for verb in verbs]
    examples = [verb.examples[0] for verb in verbs if verb.examples][:3]
    lines += ["", "examples:", *(f"  {each}" for each in examples), ""] if examples else [""]
    return "\n".join(lines)
