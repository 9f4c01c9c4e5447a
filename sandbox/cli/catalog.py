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
    Entry("init", "verbs_begin", OWN, "write a sample endpoint to start from"),
    Entry("validate", "verbs_begin", OWN, "check YAML files: every problem, with its line"),
    Entry("serve", "verbs_begin", OWN, "serve a scoring script, and reload it when it changes"),
    Entry("up", "verbs_run", OWN, "make endpoints and deployments be as the YAML files say"),
    Entry("status", "verbs_run", OWN, "endpoints, deployments, instances, traffic"),
    Entry("tui", "verbs_begin", OWN, "see and steer all of it in this terminal"),
    Entry("logs", "verbs_run", OWN, "what the deployments log"),
    Entry("debug", "verbs_debug", OWN, "switch a deployment that runs into debug mode, and back"),
    Entry("down", "verbs_run", OWN, "delete endpoints and everything that runs for them"),
    Entry("image", "verbs_image", OWN, "what was built for deployments in containers"),
    Entry("seal", "verbs_image", OWN, "put a deployment into one image that runs anywhere"),
    Entry("promote", "verbs_promote", OWN, "bring a deployment to a host, as it was tested here"),
    Entry("rollback", "verbs_promote", OWN, "send the requests where they went before"),
    Entry("history", "verbs_promote", OWN, "what served when, and from which images"),
    Entry("host", "verbs_host", OWN, "machines for production"),
    Entry("host-prepare", "verbs_host", "", "host add says it on the host"),
    Entry("host-receive", "verbs_promote", "", "promote says it on the host"),
    Entry("export", "verbs_export", OWN, "an endpoint as files for Compose, systemd, Swarm, Kubernetes"),
    Entry("prune", "verbs_run", OWN, "remove built environments and copies that nothing uses"),
    Entry("agent", "verbs_run", OWN, "look after what runs: restart what dies or hangs"),
    Entry("doctor", "verbs_begin", OWN, "what works on this machine, and how to fix what does not"),
    Entry("completion", "verbs_begin", OWN, "completion for bash, zsh and fish"),
    Entry("online-endpoint", "verbs_endpoint", AZURE, "a stable address, keys, and a traffic rule"),
    Entry("online-deployment", "verbs_deployment", AZURE, "one version of code, model and environment"),
    Entry("model", "verbs_asset", AZURE, "models, by name and version"),
    Entry("environment", "verbs_asset", AZURE, "environments, by name and version"),
    Entry("connection", "verbs_connection", AZURE, "addresses and credentials that deployments are given"),
    *(
        Entry(name, "verbs_cloud", CLOUD, summary)
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
        Entry(name, "verbs_missing", "", "not in the sandbox")
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
    found: Group = import_module(f"sandbox.cli.{entry.module}").group(name)
    return found
