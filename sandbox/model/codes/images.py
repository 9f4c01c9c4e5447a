"""Docker's engine, images and containers."""

from sandbox.model.codes.code import Code

ROWS = {
    "E110": Code(
        "no Docker engine",
        "Nothing answers where the docker command would look: DOCKER_HOST, the current context, the usual sockets.",
        "Start Docker, choose a context (`docker context use NAME`), or go without: `--backend process`.",
    ),
    "E111": Code(
        "address of the Docker engine",
        "The context that is chosen does not exist, or the address or its TLS settings cannot be used.",
        "Correct or unset `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_TLS_VERIFY`; `docker context ls` lists contexts.",
    ),
    "E112": Code(
        "Docker engine refuses you",
        "Its socket belongs to another user or group.",
        "Join the group docker and log in again, or go without: `--backend process`.",
    ),
    "E113": Code(
        "another Docker engine",
        "Containers of this home run in one engine, and another one is chosen now.",
        "Choose the one that the message names again; or `sandbox down` there first.",
    ),
    "E114": Code(
        "image could not be built",
        "A step of the build failed; its last lines are shown.",
        "Read the last lines; what they name is most often a package, its version, or the network.",
    ),
    "E115": Code(
        "image is not there",
        "It is not on this machine, and its registry does not give it: it does not exist, or asks for a login.",
        "Correct the name, `docker login`, or set `SANDBOX_BASE_IMAGE` for deployments that name none.",
    ),
    "E116": Code(
        "build context not usable",
        "The folder or its Dockerfile is missing, cannot be read, or the Dockerfile does not parse.",
        "Correct `build.path` and `build.dockerfile_path` of the environment.",
    ),
    "E117": Code(
        "container cannot be started",
        "The engine refused to make or start it.",
        "See why; `sandbox doctor` shows what the engine is.",
    ),
    "E118": Code(
        "GPU not available to containers",
        "The engine cannot give a GPU: the driver, the NVIDIA Container Toolkit or its configuration is missing.",
        "Install the toolkit and configure Docker for it, or choose an `instance_type` without GPU.",
    ),
    "E119": Code(
        "no such image",
        "No image of this program has that name.",
        "`sandbox image list` lists what there is.",
    ),
    "E120": Code(
        "cannot be sealed",
        "A sealed image holds code and model of a deployment with a scoring script.",
        "See why.",
    ),
    "E121": Code(
        "engine failed",
        "Docker's engine answered a request with an error of its own.",
        "Look at the engine's log; say the command again.",
    ),
    "E122": Code(
        "container not as described",
        "`inference_config`, `build` or the backend that is asked for do not go together.",
        "Correct what the message names.",
    ),
    "E145": Code(
        "model is not one deployment",
        "A model is packaged with the code and the environment that one deployment serves it with.",
        "Deploy it, or name the deployment: `sandbox seal -n DEPLOYMENT -e ENDPOINT`.",
    ),
    "E144": Code(
        "cannot be debugged",
        "A debugger needs our server and a scoring script in a folder of yours, and a way to the instance.",
        "See why.",
    ),
}
