"""The tables of our own commands that need no endpoint: init, validate, serve, doctor, completion."""

from sandbox.cli.words import SET, Flag, Group, Verb

JSON = Flag(("--output", "-o"), "text for people (default), or json.", "", "choice", ("text", "json"), default="text")

INIT = Verb(
    "",
    "write a sample endpoint to start from",
    (
        Flag(
            ("folder",),
            "Where to; made when it is not there. Its name becomes the endpoint's.",
            "DIR",
            "argument",
            required=True,
            of="folder",
        ),
        Flag(("--name", "-n"), "The endpoint's name, where it is not to be the folder's.", "NAME"),
    ),
    "init:run",
    ("sandbox init shop",),
    about="Write a scoring script, a request, an endpoint, a deployment, an environment and VS Code's launch.json\n"
    "into a folder. Files that are there are never written over.",
    kind="own",
    changes=True,
)
VALIDATE = Verb(
    "",
    "check YAML files: every problem, with its line",
    (
        Flag(("files",), "A YAML or JSON file.", "FILE", "arguments", required=True, of="file"),
        SET.saying("Change a value before the check: traffic.blue=90, a.b[0].c=v; VALUE is JSON, else text."),
        Flag(("--name", "-n"), "The same as --set name=NAME.", "NAME"),
        Flag(("--endpoint-name", "-e"), "The same as --set endpoint_name=NAME.", "NAME"),
        JSON,
    ),
    "validate:run",
    (
        "sandbox validate endpoint.yml blue-deployment.yml",
        "sandbox validate blue-deployment.yml --set instance_count=3 --set model.path=../model",
        "sandbox validate *.yml -o json",
    ),
    about="""\
Check Azure ML v2 YAML files: online endpoints, managed and Kubernetes online deployments, models, environments.
What a file describes is told by its $schema line, else by its keys. Every problem of every file is shown in one run,
each with its line. Errors are what Azure would refuse, now or only when it is too late; warnings are accepted here.
The scoring script is read too, and not run. Exit code 1: there are errors.""",
    kind="own",
)
SERVE = Verb(
    "",
    "serve a scoring script, and reload it when it changes",
    (Flag(("script",), "The scoring script.", "SCORE.PY", "argument", required=True, of="file"),),
    "serve:run",
    (
        "sandbox serve score.py",
        "sandbox serve score.py --model_dir model --port 8080",
        "sandbox serve score.py --debug 5678",
    ),
    about="Serve a scoring script without an endpoint: inference-http --reload. Every flag of inference-http can\n"
    "follow; docs/settings.md lists them. --no-reload serves without looking for changes. Ctrl-C ends it.",
    kind="own",
    open=True,
)
TUI = Verb(
    "",
    "see and steer all of it in this terminal",
    (
        Flag(("--read-only",), "Look, and change nothing.", kind="switch"),
        Flag(("--web",), "Show it in a browser of this machine, read-only, behind a token.", kind="switch"),
        Flag(("--port",), "With --web: where; 8099 unless given.", "PORT", "number"),
        Flag(("--allow-write",), "With --web: let it change things.", kind="switch"),
    ),
    "tui:run",
    ("sandbox tui", "sandbox tui --web"),
    about="See, steer and debug every endpoint without leaving the terminal: traffic, logs, requests, debugger.\n"
    "Press ? for the keys; docs/tui.md lists them.",
    kind="own",
)
DOCTOR = Verb(
    "",
    "what works on this machine, and how to fix what does not",
    (JSON,),
    "doctor:run",
    ("sandbox doctor", "sandbox doctor -o json"),
    about="Look at everything the sandbox needs or can use: Python, the state folder, ports, Envoy, uv and conda,\n"
    "Docker, GPUs, VS Code. Exit code 1: something that is required does not work.",
    kind="own",
)
COMPLETION = Verb(
    "",
    "completion for bash, zsh and fish",
    (Flag(("shell",), "bash, zsh or fish.", "SHELL", "argument", required=True),),
    "completion:run",
    (
        'eval "$(sandbox completion bash)"    # in ~/.bashrc',
        'eval "$(sandbox completion zsh)"     # in ~/.zshrc, after compinit',
        "sandbox completion fish | source     # in ~/.config/fish/config.fish",
    ),
    about="Print a script that completes commands, flags, and names of endpoints and deployments.",
    kind="own",
)
_VERBS = {"init": INIT, "validate": VALIDATE, "serve": SERVE, "tui": TUI, "doctor": DOCTOR, "completion": COMPLETION}


def group(name: str) -> Group:
    """Return the table of one of them."""
    return Group(name, _VERBS[name].summary, (_VERBS[name],))
