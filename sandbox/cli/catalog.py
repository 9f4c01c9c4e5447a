"""All groups by name, and where each is described. Only the module of the group that was called is loaded."""

from dataclasses import dataclass
from importlib import import_module

from sandbox.cli.words import Group


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of ``sandbox --help``. ``section``: how it is grouped there; "" is not listed."""

    name: str
    module: str
    section: str
    summary: str


OWN, AZURE, CLOUD = "Commands of our own", "Commands of az ml", "Commands that mean something in the cloud only"

ENTRIES: tuple[Entry, ...] = (
    Entry("init", "begin", OWN, "write a sample endpoint to start from"),
    Entry("validate", "begin", OWN, "check YAML files: every problem, with its line"),
    Entry("serve", "begin", OWN, "serve a scoring script, and reload it when it changes"),
    Entry("up", "run", OWN, "make endpoints and deployments be as the YAML files say"),
    Entry("status", "run", OWN, "endpoints, deployments, instances, traffic"),
    Entry("tui", "begin", OWN, "see and steer all of it in this terminal"),
    Entry("logs", "run", OWN, "what the deployments log"),
    Entry("debug", "debug", OWN, "switch a deployment that runs into debug mode, and back"),
    Entry("down", "run", OWN, "delete endpoints and everything that runs for them"),
    Entry("image", "image", OWN, "what was built for deployments in containers"),
    Entry("seal", "image", OWN, "put a deployment into one image that runs anywhere"),
    Entry("promote", "promote", OWN, "bring a deployment to a host, as it was tested here"),
    Entry("rollback", "promote", OWN, "send the requests where they went before"),
    Entry("history", "promote", OWN, "what served when, and from which images"),
    Entry("host", "host", OWN, "machines for production"),
    Entry("host-prepare", "host", "", "host add says it on the host"),
    Entry("host-receive", "promote", "", "promote says it on the host"),
    Entry("export", "export", OWN, "an endpoint as files for Compose, systemd, Swarm, Kubernetes"),
    Entry("prune", "run", OWN, "remove built environments and copies that nothing uses"),
    Entry("agent", "run", OWN, "look after what runs: restart what dies or hangs"),
    Entry("doctor", "begin", OWN, "what works on this machine, and how to fix what does not"),
    Entry("completion", "begin", OWN, "completion for bash, zsh and fish"),
    Entry("online-endpoint", "endpoint", AZURE, "a stable address, keys, and a traffic rule"),
    Entry("online-deployment", "deployment", AZURE, "one version of code, model and environment"),
    Entry("model", "asset", AZURE, "models, by name and version"),
    Entry("environment", "asset", AZURE, "environments, by name and version"),
    Entry("connection", "connection", AZURE, "addresses and credentials that deployments are given"),
    *(
        Entry(name, "cloud", CLOUD, summary)
        for name, summary in (
            ("workspace", "the sandbox is the one workspace"),
            ("compute", "deployments run on this machine"),
            ("datastore", "files lie where the YAML says"),
            ("configure", "there are no defaults to configure"),
            ("account", "there is no subscription"),
            ("extension", "there are no extensions"),
            ("login", "nobody has to log in"),
            ("logout", "nobody is logged in"),
            ("group", "there are no resource groups"),
        )
    ),
    *(
        Entry(name, "missing", "", "not in the sandbox")
        for name in (
            "batch-deployment",
            "batch-endpoint",
            "capability-host",
            "component",
            "data",
            "feature-set",
            "feature-store",
            "feature-store-entity",
            "index",
            "job",
            "marketplace-subscription",
            "registry",
            "schedule",
            "serverless-endpoint",
        )
    ),
)

BY_NAME = {entry.name: entry for entry in ENTRIES}
# Names that are commands by themselves: no verb follows.
ALONE = frozenset(
    {entry.name for entry in ENTRIES if entry.section == OWN} - {"agent", "export", "host", "image"}
    | {"configure", "login", "logout", "host-prepare", "host-receive"}
)


def group(name: str) -> Group | None:
    """Load the description of a group; None where there is no such group."""
    entry = BY_NAME.get(name)
    if entry is None:
        return None
    found: Group = import_module(f"sandbox.cli.verbs.{entry.module}").group(name)
    return found
