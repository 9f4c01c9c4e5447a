"""The tables of the commands about machines for production: host, and what they say to each other."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.words import ONLY_ERRORS, VERBOSE, Flag, Group, Verb

NAME = Flag(("name",), "The host.", "NAME", "argument", required=True, of="host")
CHAIN = Flag(("--cert",), "The certificate, PEM, with those that vouch for it behind it.", "PATH", of="file")
KEY = Flag(("--key",), "Its key, PEM, without a passphrase.", "PATH", of="file")
HOST = Group(
    "host",
    "machines for production: a Docker engine each, and nothing of ours installed",
    (
        Verb(
            "add",
            "make a host known, after a look whether it is fit; again: change what is said",
            (
                Flag(("name",), "What you call it: prod.", "NAME", "argument", required=True),
                Flag(
                    ("url",),
                    "ssh://USER@HOST[:PORT], unix:///PATH, or the name of a Docker context.",
                    "ADDRESS",
                    "argument",
                ),
                Flag(("--folder",), "Of our state there; /var/lib/endpoint-sandbox unless given.", "PATH"),
                Flag(("--socket",), "Of its engine, as seen there; /var/run/docker.sock unless given.", "PATH"),
                Flag(
                    ("--registry",),
                    "Ship images by this registry, which both engines reach; straight to the host unless given.",
                    "HOST[:PORT][/PREFIX]",
                ),
                Flag(("--ssh-config",), "A file for ssh in the place of your own configuration.", "PATH", of="file"),
                Flag(("--https-port",), "Where endpoints are offered; 443 unless given.", "PORT", "number"),
                Flag(("--http-port",), "Sends clients to the one above; 80 unless given.", "PORT", "number"),
                Flag(("--bind",), "The address of the host that both are at; all unless given.", "ADDRESS"),
                CHAIN,
                KEY,
                Flag(("--acme",), "Who answers /.well-known/acme-challenge/ on the host.", "ADDRESS:PORT"),
                Flag(("--force",), "Also when a check fails.", kind="switch"),
                JSON,
                ONLY_ERRORS,
                VERBOSE,
            ),
            "hosts:add",
            (
                "sandbox host add prod ssh://deploy@prod.example.com",
                "sandbox host add prod ssh://prod --cert chain.pem --key key.pem",
                "sandbox host add prod --registry registry.example.com/team",
            ),
            about="Look whether a machine is fit to be a host (engine, architecture, clock, disk, ports, certificate),"
            "\nbring this program there as an image, write its settings there, and remember how it is reached. ssh is"
            "\nyour own: aliases, jump hosts, keys and the agent. Said again it changes what is said, and checks anew.",
            kind="own",
            changes=True,
        ),
        Verb("list", "list the hosts", (JSON,), "hosts:list_all", ("sandbox host list",), kind="own"),
        Verb(
            "show",
            "show what is known of one here; nothing is asked of it",
            (NAME, JSON),
            "hosts:show",
            ("sandbox host show prod",),
            kind="own",
        ),
        Verb(
            "doctor",
            "look whether a host is well; nothing is changed",
            (NAME, JSON),
            "hosts:doctor",
            ("sandbox host doctor prod",),
            kind="own",
        ),
        Verb(
            "certificate",
            "give a host another certificate, which it takes while it serves",
            (NAME, CHAIN.needed(), KEY.needed(), ONLY_ERRORS),
            "hosts:certificate",
            ("sandbox host certificate prod --cert chain.pem --key key.pem",),
            kind="own",
            changes=True,
        ),
        Verb(
            "remove",
            "forget a host; what runs there goes on",
            (NAME,),
            "hosts:remove",
            ("sandbox host remove prod",),
            kind="own",
        ),
    ),
)
PREPARE = Verb(
    "",
    "host add says it on the host",
    (),
    "hosts:prepare",
    ("sandbox host-prepare < production.json",),
    kind="own",
    changes=True,
)


def group(name: str) -> Group:
    """Return the table of one of them."""
    return HOST if name == "host" else Group(name, PREPARE.summary, (PREPARE,))
