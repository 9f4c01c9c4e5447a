"""Units of systemd that run the gateway and the deployments as containers of Docker, on one machine. Pure."""

from sandbox.export import envoy, secrets, systemd_unit
from sandbox.export.bundle import KEY_VARIABLES, Bundle
from sandbox.export.paper import File, comments
from sandbox.export.systemd_unit import FOLDER, PLACE, name_of
from sandbox.gateway.description import ExternalKeys, NamedUpstream
from sandbox.model.container import SERVER_PORT

SCRIPT = "install.sh"

_INSTALL = """\
#!/bin/sh
{head}
# DESTDIR=folder installs below that folder and starts nothing.
set -eu
cd "$(dirname "$0")"
sh secrets.sh
place=${{DESTDIR:-}}{place}/{name}
units=${{DESTDIR:-}}/etc/systemd/system
mkdir -p "$place/{folder}" "$place/{secrets}" "$units"
chmod 755 "$place" "$place/{folder}"
chmod 700 "$place/{secrets}"
for file in {folder}/*.yaml; do # replaced as a whole, which Envoy notices
    cp "$file" "$place/$file.new"
    chmod 644 "$place/$file.new"
    mv "$place/$file.new" "$place/$file"
done
for file in {secrets}/*; do
    cp "$file" "$place/$file"
    chmod 600 "$place/$file"
done
[ ! -f "$place/units" ] || (cd "$units" && xargs rm -f <"$place/units")
ls units >"$place/units"
cp units/* "$units/"
[ -z "${{DESTDIR:-}}" ] || exit 0
systemctl daemon-reload
systemctl enable --quiet {name}.target
systemctl start {name}.target
"""


def files(bundle: Bundle) -> list[File]:
    """Return all files: units, the gateway's folder, and the scripts that install it and make the keys."""
    upstreams = {
        member.name: NamedUpstream(name_of(bundle, member), SERVER_PORT, max(1, member.deployment.instance_count))
        for member in bundle.members
    }
    change = (
        f"Change it here, then  sudo sh {SCRIPT} : Envoy takes over what is in {PLACE}/{bundle.name}/{FOLDER}",
        "when a file of it is replaced, within milliseconds; no request fails.",
    )
    endpoint = bundle.described(upstreams, ExternalKeys(variables=KEY_VARIABLES))
    again = f", and  sudo sh {SCRIPT} && sudo systemctl restart {bundle.name}-{bundle.gateway}"
    return [
        *(File(f"units/{name}", text) for name, text in systemd_unit.units(bundle).items()),
        *envoy.files(FOLDER, endpoint, change),
        File(SCRIPT, _script(bundle), runs=True),
        *secrets.as_variables(bundle, again),
    ]


def _script(bundle: Bundle) -> str:
    name = bundle.name
    url = f"http://{bundle.listen}:{bundle.port}/score"
    head = [
        f"Endpoint {name!r} as units of systemd: its gateway and its deployments, as containers of Docker.",
        f"Written by: {bundle.said}",
        "",
        f"Start:           sudo sh {SCRIPT}      (puts the files into {PLACE}/{name} and /etc/systemd/system)",
        f"Ask:             . ./{secrets.GATEWAY_ENV}",
        f'                 curl -H "authorization: Bearer ${KEY_VARIABLES[0]}" {url} -d @request.json',
        f'Change traffic:  {bundle.said} --traffic "{bundle.example}" && sudo sh {SCRIPT}',
        "                 It is taken over at once; nothing has to be started again.",
        f"Changed units:   sudo systemctl restart '{name}-*'",
        f"Look:            systemctl list-dependencies {name}.target; journalctl -u '{name}-*'",
        f"Stop:            sudo systemctl stop {name}.target; for good: systemctl disable {name}.target",
        "",
        f"There is no TLS here: let a proxy that has it lead to port {bundle.port}.",
    ]
    return _INSTALL.format(
        head="\n".join(comments(head)), place=PLACE, name=name, folder=FOLDER, secrets=secrets.FOLDER
    )
