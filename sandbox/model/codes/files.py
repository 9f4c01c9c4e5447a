"""Files that describe something: how they read, what they say, what is doubtful."""

from sandbox.model.codes.code import Code

ROWS = {
    # --- Reading a file ---
    "E020": Code("file cannot be read", "It is missing, is a folder, or may not be read.", "Correct the path."),
    "E021": Code("file is not text", "The file is not UTF-8 (or UTF-16 with a mark).", "Save it as UTF-8."),
    "E022": Code(
        "file is too large",
        "Larger than 256 KiB, nested deeper than 50 levels, or aliases make more than 20,000 values of it. Files of "
        "this kind hold a few hundred values; the limits keep a hostile file from filling the memory.",
        "Move what is large into files of its own.",
    ),
    "E023": Code("YAML syntax", "The text is not YAML.", "Correct the place that the message names."),
    "E024": Code(
        "key appears twice",
        "The same key stands twice in one mapping. Azure keeps the last one without a word.",
        "Remove one of them.",
    ),
    "E025": Code(
        "not one mapping",
        "The file is empty, holds several documents, or is a list or a single value.",
        "One file describes one thing: `key: value` lines at the left margin.",
    ),
    "E026": Code(
        "kind of file unknown",
        "Neither `$schema` nor the keys tell what the file describes, or it describes something not handled here.",
        "Add a `$schema` line.",
    ),
    # --- The content ---
    "E030": Code("unknown key", "Azure refuses keys that it does not know, at every level.", "Use the nearest key."),
    "E031": Code("required key missing", "The key has no default.", "Add it, or give it with `--set`, `-n`, `-e`."),
    "E032": Code("wrong type", "The value is of another type than the key takes.", "Quote texts; see docs/yaml.md."),
    "E033": Code("value not allowed", "The key takes one of a few values, or a number in a range.", "Use one of them."),
    "E034": Code(
        "no value",
        "`key:` with nothing after it is null, and Azure refuses null for every key.",
        "Give a value, or remove the key: leaving it out means its default.",
    ),
    "E035": Code(
        "file or folder missing",
        "A path leads nowhere. Relative paths start from the folder of the YAML file, not from where you are.",
        "Correct the path.",
    ),
    "E036": Code(
        "reference not understood",
        "Registered models and environments are named `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, by an ARM id "
        "after `azureml:`, or by `azureml://registries/...`.",
        "Write it in one of these forms.",
    ),
    "E037": Code(
        "scoring script",
        "The script is missing, does not parse, or has no init() or run(). It is read, never imported.",
        "Correct the script at the line that is named.",
    ),
    "E038": Code("name not possible", "Names become parts of addresses in Azure.", "Letters, digits and dashes."),
    "E039": Code("traffic not possible", "Live percentages must sum to 0 or 100.", "Correct the percentages."),
    "E040": Code(
        "mirror not possible",
        "One deployment can receive copies, at most 50 percent, and not while it has live traffic.",
        "Correct `mirror_traffic`.",
    ),
    "E041": Code("combination not possible", "Each value would do, together they do not.", "Remove one of them."),
    "E042": Code("override not possible", "A `--set` could not be applied to the file.", "Correct the `--set`."),
    # --- Warnings: the file is accepted ---
    "W060": Code(
        "Azure refuses this",
        "Accepted here, because Microsoft's pages show it or it is plain what is meant; `az ml` refuses it.",
        "Write it as the message says, and the file does for both.",
    ),
    "W061": Code("value changed", "The value is taken in another form than it was written.", "Write what is meant."),
    "W062": Code("without effect", "The key is accepted and does nothing in this combination.", "Remove it."),
    "W063": Code("probably not meant", "Allowed, but seldom what somebody wants.", "Look again."),
}
