"""Hosts for production: reaching them, and bringing images there: E150 to E169."""

from sandbox.model.codes.code import Code

ROWS = {
    "E150": Code(
        "host not possible",
        "Name, address, folder, socket or registry of a host cannot be what was said.",
        "Correct what the message names.",
    ),
    "E151": Code("no such host", "No host of that name is known here.", "`sandbox host list` lists what there is."),
    "E152": Code(
        "host not reached",
        "ssh does not get there: the name is unknown, nobody listens, or the network does not lead there.",
        "Try `ssh USER@HOST` by hand; correct the address with `sandbox host add`.",
    ),
    "E153": Code(
        "host key not accepted",
        "ssh does not know the key of the host, or it has changed since. Who answers may not be who you mean.",
        "Compare the fingerprint with the host's owner; then `ssh USER@HOST` once and say yes.",
    ),
    "E154": Code(
        "login refused",
        "ssh offers the keys of the agent and of `~/.ssh`, and the host takes none. Passwords are not asked for.",
        "`ssh-copy-id USER@HOST`, or `ssh-add` a key that is locked with a passphrase.",
    ),
    "E155": Code(
        "no engine on the host",
        "The host is reached, and Docker's socket is not there, is refused to that user, or nobody answers behind it.",
        "Start Docker there, let the user join the group docker, or name the socket: `sandbox host add --socket PATH`.",
    ),
    "E156": Code(
        "connection to the host broke",
        "It was there and ended in the middle. What was finished stays; nothing is left half done.",
        "Say the same command again: it goes on from what the host has.",
    ),
    "E157": Code(
        "image made for another machine",
        "Its architecture is not that of the host.",
        "Build it on a machine like the host, or choose a host of the image's architecture.",
    ),
    "E158": Code(
        "image does not arrive",
        "The engine of the host, or that of this machine, refuses the image.",
        "See why; the engine's log tells more.",
    ),
    "E159": Code(
        "host is full",
        "There is no space left for images on the host. What serves there is not touched.",
        "`sandbox --host NAME prune`, or `docker system prune` there; then say it again.",
    ),
    "E160": Code(
        "registry fails",
        "The registry does not answer, or refuses; or the host cannot reach it.",
        "Look at the registry, `docker login` to it; or ship without: `sandbox host add NAME URL --registry ''`.",
    ),
    "E161": Code(
        "image is another one there",
        "The id on the host is not the id that was tested here. It is not used.",
        "Say it again; see whether both engines keep images the same way (`docker info`: Storage Driver).",
    ),
    "E162": Code(
        "host image cannot be made",
        "The program travels to hosts as an image, which is built here of the installed program.",
        "See why; `SANDBOX_BASE_IMAGE` chooses the image that it starts from.",
    ),
    "E163": Code(
        "command on the host did not start",
        "The engine of the host refused to start the container that carries out the command.",
        "See why; `sandbox host doctor NAME` looks at the host.",
    ),
    "E164": Code(
        "not on a host",
        "The command is about this machine, its files or its folders, and means nothing on a host.",
        "Say it without `--host`; what goes to a host goes there with `sandbox promote`.",
    ),
    "E165": Code(
        "host not fit",
        "A check of the host failed: engine, architecture, disk, ports, or clock.",
        "See which; `sandbox host add --force` remembers it nevertheless.",
    ),
}
