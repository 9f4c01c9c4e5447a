"""The program itself: its folder, the command line, the terminal UI."""

from sandbox.model.codes.code import Code

ROWS = {
    # --- The program itself ---
    "E001": Code(
        "a package is missing",
        "The command needs a package of the extra `sandbox`, which is not installed where the command runs.",
        "`pip install 'endpoint-sandbox[sandbox]'`; in a clone `pip install '.[sandbox]'`",
    ),
    "E002": Code(
        "internal error",
        "A bug of this program, not of your files.",
        "Say the command again with `--debug` and report what it prints.",
    ),
    "E003": Code(
        "state folder cannot be used",
        "The folder in which everything is remembered (`SANDBOX_HOME`, else the platform's state folder) cannot be "
        "made or written.",
        "Set `SANDBOX_HOME` to a folder of yours.",
    ),
    "E004": Code(
        "a state file is damaged",
        "A file below `SANDBOX_HOME` is not what this program wrote.",
        "Restore it; or remove it, and say the command again.",
    ),
    "E005": Code(
        "another command holds the lock",
        "Locks are held for milliseconds; one that stays belongs to a process that is stopped.",
        "Try again; if it stays, end the other command.",
    ),
    # --- The command line ---
    "E010": Code(
        "command line",
        "A flag has a value that it does not take, or flags do not go together. What argparse itself refuses has no "
        "code; both end with exit code 2.",
        "`--help` behind the command shows its flags and examples.",
    ),
    "E011": Code("query", "The text behind `--query` is no JMESPath.", "Look at jmespath.org; quote it for the shell."),
    "E012": Code(
        "the model's answer",
        "`invoke` was answered with a status other than 200 or 201. 424 carries what the model itself said.",
        "Look at the answer, then at `sandbox online-deployment get-logs`.",
    ),
    "E013": Code(
        "not in the sandbox",
        "The command belongs to a part of Azure ML that the sandbox does not have.",
        "Run the line with `az ml`, or leave it out here.",
    ),
    "E015": Code("file exists", "`sandbox init` writes nothing over, or could not write.", "Choose another folder."),
    "E016": Code("file named in a flag", "It is missing, or cannot be read.", "Correct the path."),
    "E018": Code(
        "cannot be described so",
        "Calls of the API take a path, a mapping as it stands in a file, our own objects, or those of Azure's SDK.",
        "Give one of them.",
    ),
    "E017": Code(
        "no table",
        "The result has nothing that a table could show: tables leave out id, type, etag and what is nested.",
        "Choose with `--query`, or another `--output`.",
    ),
    "E019": Code(
        "the disk is full",
        "The state folder, or what the command writes to, has no room left. What was done before stays done.",
        "Make room, for instance with `sandbox prune`, and say the command again.",
    ),
    # --- The terminal UI ---
    "E123": Code(
        "port of the browser not free",
        "`sandbox tui --web` listens on one port of this machine; somebody else has it, or it is not allowed.",
        "End the other program, or give `--port` another one; `--port 0` takes any that is free.",
    ),
    "E140": Code(
        "traffic was changed meanwhile",
        "Somebody else has changed the shares since the sliders were opened; yours would undo that without a word.",
        "Look at the shares that are there now, and decide anew.",
    ),
    "E141": Code(
        "command failed",
        "A command line that was typed into the terminal UI ended with an exit code other than 0.",
        "Its output, on the page of jobs, says why.",
    ),
    "E142": Code(
        "terminal UI only looks",
        "It was started read-only, as in a browser without `--allow-write`.",
        "Start it with `--allow-write`; or say the command that is shown.",
    ),
    "E143": Code(
        "nothing to save to",
        "The file cannot be written, or the editor cannot be started.",
        "Look at the path, or set `EDITOR`.",
    ),
}
