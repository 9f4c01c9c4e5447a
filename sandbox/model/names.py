"""Names of endpoints and deployments (spec section 1 and 2)."""

import re

from sandbox.model.problem import Violation

PATTERN = r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"
SHORTEST, LONGEST = 3, 32
KUBERNETES_TOGETHER = (6, 62)  # endpoint's and deployment's name, in characters


def check(name: str, key: str = "name") -> list[Violation]:
    """Find what keeps ``name`` from being the name of an endpoint or a deployment.

    Azure's loader looks at the pattern, and at that for endpoints only; the length it finds out when it is too late.
    """
    rule = f"a name has {SHORTEST} to {LONGEST} letters, digits and dashes, begins with a letter, ends with no dash"
    if not re.fullmatch(PATTERN, name):
        suggestion = re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")
        suggestion = suggestion if re.match(r"[a-zA-Z]", suggestion) else f"e-{suggestion}".rstrip("-")
        suggestion = suggestion if len(suggestion) >= SHORTEST else "my-name"
        fix = f"for instance {key}: {suggestion[:LONGEST].rstrip('-')}"
        return [Violation("E038", (key,), f"{name!r} cannot be a name", rule, fix)]
    if not SHORTEST <= len(name) <= LONGEST:
        what = f"the name {name!r} has {len(name)} characters"
        return [Violation("E038", (key,), what, rule, "choose a longer one" if len(name) < SHORTEST else "shorten it")]
    return []
