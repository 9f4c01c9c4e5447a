"""Exports for other people's tools: E195 to E209."""

from sandbox.model.codes.code import Code

ROWS = {
    "E195": Code(
        "not sealed",
        "Only sealed deployments are exported: one that has traffic, or copies, is not, or was changed since.",
        "`sandbox seal -n DEPLOYMENT -e ENDPOINT`, then export again.",
    ),
    "E196": Code(
        "cannot be exported so",
        "What the endpoint is, or what was asked for, has no counterpart in the files that would be written.",
        "See why.",
    ),
    "E197": Code(
        "export would lose files",
        "The folder holds files that no export has written, or that were changed by hand since.",
        "Choose another folder with `--to`, keep your changes elsewhere, or say `--force`.",
    ),
    "E198": Code(
        "export cannot be written",
        "The folder, or a file in it, cannot be made.",
        "Choose another folder with `--to`, or correct the permissions.",
    ),
}
