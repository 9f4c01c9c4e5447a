#!/bin/sh
# Run inside an image while it is built:
#   environment   makes /opt/env of what the conda file lists, with conda where the image has it, else with venv and pip
#   dependencies  puts what the server needs into a folder of its own, beside the deployment's packages
#   server        lets the interpreter find the server after everything else, and looks whether it loads
# Lines that begin with "sandbox:" are read by the builder.
set -eu

here=/opt/sandbox/environment
env=/opt/env
server=/opt/inference-http
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off

fail() {
    echo "sandbox: error: $1"
    echo "sandbox: fix: $2"
    exit 1
}

first() {
    for candidate in "$@"; do
        command -v "$candidate" 2>/dev/null && return
    done
    return 1
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# The interpreter of the deployment: that of its environment, else the image's own.
interpreter() {
    if [ -x $env/bin/python ]; then
        echo $env/bin/python
        return
    fi
    for candidate in python3 python /opt/miniconda/bin/python /opt/conda/bin/python; do
        if found=$(command -v "$candidate" 2>/dev/null) && recent "$found"; then
            echo "$found"
            return
        fi
    done
    fail "the image has no Python 3.10 or newer" "choose another image, python:3.11-slim for instance"
}

environment() {
    if conda=$(first micromamba mamba conda /opt/miniconda/bin/conda /opt/conda/bin/conda); then
        export CONDA_ALWAYS_YES=1
        case $conda in
            *micromamba) "$conda" create -p $env -f $here/conda.yml ;;
            *) "$conda" env create -q -p $env -f $here/conda.yml ;;
        esac
        "$conda" clean -afy >/dev/null 2>&1 || true
    else
        if [ -s $here/conda-only.txt ]; then
            fail "only conda has: $(paste -sd ' ' $here/conda-only.txt); the image has no conda" \
                "choose an image with conda, for instance mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
        fi
        python=$(interpreter) || { echo "$python"; exit 1; }
        "$python" -m venv $env || fail "the image's Python cannot make virtual environments" "install python3-venv in the image"
        $env/bin/python -m pip install -r $here/requirements.txt
    fi
    [ -x $env/bin/python ] || fail "the conda file lists no python" "add python=3.11 to its dependencies"
    recent $env/bin/python || fail "the environment has $($env/bin/python -V 2>&1), the server needs 3.10 or newer" \
        "ask for python=3.11 in the conda file"
}

dependencies() {
    python=$(interpreter) || { echo "$python"; exit 1; }
    echo "sandbox: python $("$python" -c 'import platform; print(platform.python_version())')"
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1 ||
        fail "the image's Python has no pip" "install it in the image, or choose another image"
    "$python" -m pip install -q --target $server "$@"
}

server() {
    python=$(interpreter) || { echo "$python"; exit 1; }
    printf '#!/bin/sh\nexec %s "$@"\n' "$python" >/opt/sandbox/python
    chmod 755 /opt/sandbox/python
    "$python" -c "
import os, site
folder = site.getsitepackages()[0]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, '$1'), 'w') as file:
    file.write('$server\n')
"
    echo "sandbox: check"
    "$python" "$2"
}

"$@"
