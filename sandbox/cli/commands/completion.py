"""``sandbox completion SHELL``: scripts that ask ``sandbox __complete`` what could come next."""

import sys

from sandbox.cli.session import Session
from sandbox.model.errors import UsageError

# The words so far are handed over as they are; the answer is one candidate a line, a tab before its description.
BASH = r"""
_sandbox() {
    local line candidates=()
    while IFS= read -r line; do candidates+=("${line%%$'\t'*}"); done < <(
        sandbox __complete "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null
    )
    if [ "${candidates[0]-}" = "<files>" ]; then
        compopt -o default
        COMPREPLY=()
    else
        COMPREPLY=("${candidates[@]}")
    fi
}
complete -F _sandbox sandbox
"""

ZSH = r"""
_sandbox() {
    local -a lines
    lines=("${(@f)$(sandbox __complete $((CURRENT - 1)) "${words[@]}" 2>/dev/null)}")
    if [[ "${lines[1]}" = "<files>" ]]; then
        _files
        return
    fi
    local -a described
    local line
    for line in $lines; do described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}"); done
    (( $#described )) && _describe 'sandbox' described
}
compdef _sandbox sandbox
"""

FISH = r"""
function __sandbox_complete
    set -l before (commandline -opc)
    set -l lines (sandbox __complete (count $before) $before (commandline -ct) 2>/dev/null)
    if test "$lines[1]" = "<files>"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end
complete -c sandbox -f -a '(__sandbox_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def run(session: Session) -> int:
    """Print the script of a shell.

    Raises:
        UsageError: E010, another shell.
    """
    shell = session.arguments.shell.lower()
    if shell not in SCRIPTS:
        raise UsageError("E010", f"there is no completion for {shell!r}", "", f"one of {', '.join(SCRIPTS)}")
    sys.stdout.write(SCRIPTS[shell].lstrip("\n"))
    return 0
