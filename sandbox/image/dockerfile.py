"""The Dockerfiles that we write. What changes seldom comes first, so that a change builds no more than it must."""

import json
from collections.abc import Mapping, Sequence

APP = "/var/azureml-app"  # where Azure puts code and models (spec section 3)
SERVER = "/opt/inference-http"
PYTHON = "/opt/sandbox/python"  # starts the deployment's interpreter, whichever that is
PRIVATE = "/opt/sandbox-private"
PORT = 5001
COMMAND = (PYTHON, "-m", "inference_http", "--host", "0.0.0.0", "--port", str(PORT))  # noqa: S104 - inside a container

_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def environment(
    base: str, dependencies: Sequence[str], *, conda: bool, private: Sequence[str], apart: bool, link: str
) -> str:
    """Return the Dockerfile of an environment with the server in it.

    Args:
        base: the image it starts from.
        dependencies: what the server needs, as pip writes it.
        conda: there is a conda file, whose packages go into an environment of its own, as in Azure.
        private: files with addresses of indexes and certificates that are needed to install. They are used in a stage
            that is thrown away, so that neither they nor a trace of them is in the image.
        apart: use such a stage in any case, because the list of packages holds a secret.
        link: name of the ``.pth`` file that leads to the server.
    """
    words = " ".join(f"'{each}'" for each in dependencies)
    install = [
        "USER root",
        "COPY provision.sh /opt/sandbox/provision.sh",
        *(
            ["COPY environment /opt/sandbox/environment", "RUN sh /opt/sandbox/provision.sh environment"]
            if conda
            else []
        ),
        f"RUN sh /opt/sandbox/provision.sh dependencies {words}",
    ]
    if private or apart:
        install = [
            f"FROM {base} AS made",
            *known(private),
            *install,
            f"FROM {base}",
            "USER root",
            "COPY provision.sh /opt/sandbox/provision.sh",
            *(["COPY --from=made /opt/env /opt/env"] if conda else []),
            f"COPY --from=made {SERVER} {SERVER}",
        ]
    else:
        install = [f"FROM {base}", *install]
    lines = [
        *install,
        *(["ENV PATH=/opt/env/bin:$PATH"] if conda else []),
        f"COPY inference_http {SERVER}/inference_http",
        "COPY check.py relay.py /opt/sandbox/",
        f"RUN sh /opt/sandbox/provision.sh server {link} /opt/sandbox/check.py && mkdir -p {APP}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        f"WORKDIR {APP}",
        "USER 10001:10001",
        f"EXPOSE {PORT}",
        "ENTRYPOINT []",
        f"CMD {json.dumps(COMMAND)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def known(private: Sequence[str]) -> list[str]:
    """Let the tools that install find their settings."""
    if not private:
        return []
    said = [f"PIP_CONFIG_FILE={PRIVATE}/pip.conf"]
    if "private/ca.crt" in private:
        said += [f"{name}={PRIVATE}/ca.crt" for name in _CERTIFICATES]
    return [f"COPY private {PRIVATE}", f"ENV {' '.join(said)}"]


def deployment(base: str, code: str, variables: Mapping[str, str]) -> str:
    """Return the Dockerfile that adds the folder ``code`` to an environment: one layer of the code's own size."""
    said = " ".join(f"{name}={json.dumps(value)}" for name, value in sorted(variables.items()))
    lines = [f"FROM {base}", f"COPY {json.dumps([code, f'{APP}/{code}'])}", *([f"ENV {said}"] if said else [])]
    return "".join(f"{line}\n" for line in lines)
