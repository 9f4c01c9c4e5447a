"""What opens an endpoint: its keys, or tokens and the key that signs them."""

import contextlib
from typing import Any

from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.state import EndpointState
from sandbox.ops.context import Context
from sandbox.ops.publish import publish
from sandbox.store import keys


def credentials(context: Context, name: str) -> dict[str, Any]:
    """Return what opens the endpoint, as Azure writes it (spec section 4): keys or a token."""
    state = context.endpoint(name)
    if state.endpoint.auth_mode == "key":
        found = keys.read(context.home, state.name)
        return {"primaryKey": found.primary, "secondaryKey": found.secondary}
    from sandbox.store import tokens

    return tokens.as_azure(tokens.issue(context.home, state.name, state.endpoint.auth_mode))


def regenerate_keys(context: Context, name: str, which: str) -> None:
    """Replace one key: primary or secondary; or, where the endpoint takes tokens, the one that signs them.

    Requests with the other key never notice. Tokens of the signing key before are good until they expire, or until
    the signing key is replaced once more.

    Raises:
        NotFound: E050.
        UsageError: E095, there is no such key.
        SandboxError: E064, the endpoint has no keys of this kind.
    """
    which = which.lower()
    if which not in ("primary", "secondary", "signing"):
        raise UsageError("E095", f"there is no {which} key", "", "primary, secondary; or signing, for tokens")
    state = context.endpoint(name)
    _refuse_if_without(context, state, which)
    with context.step("gateway", f"{which} key of {state.name}", state.name):
        if which == "signing":
            _replace_signing(context, state.name)
        else:
            _replace(context, state.name, which)
    context.store.note(state.name, "regenerate-keys", f"{which} key replaced")


def _refuse_if_without(context: Context, state: EndpointState, which: str) -> None:
    mode, show = state.endpoint.auth_mode, f"sandbox online-endpoint get-credentials -n {state.name}"
    if mode == "key":
        if which == "signing":
            why = "its auth_mode is key: requests bring a key, no token"
            raise SandboxError("E064", f"endpoint {state.name} has no signing key", why, "primary, or secondary")
        return
    if which != "signing":
        why = f"its auth_mode is {mode}: there are tokens, and they expire by themselves"
        fix = f"{show}; or --key-type signing, which replaces the key that signs them"
        raise SandboxError("E064", f"endpoint {state.name} has no keys", why, fix)
    from sandbox.store import tokens

    if mode == "aad_token" and (issuer := tokens.trusted(context.home, state.name)):
        why = f"its tokens are signed by {issuer.issuer}"
        raise SandboxError("E064", f"endpoint {state.name} has no signing key", why, "replace it there")


def _replace(context: Context, name: str, which: str) -> None:
    with context.store.alone(name):
        before = _kept(context, name)
        made = keys.replace(context.home, name, "secondary" if which == "secondary" else "primary")
    try:
        publish(context, name)
    except SandboxError:
        with context.store.alone(name):
            if before is not None and _kept(context, name) == made:  # else another command's are there
                keys.make(context.home, name, primary=before.primary, secondary=before.secondary)
        with contextlib.suppress(SandboxError):
            publish(context)
        raise


def _replace_signing(context: Context, name: str) -> None:
    """Let the gateway know the next key before a token is signed with it: no request is refused meanwhile.

    Said again after an end halfway, it goes on with the key that was made then.
    """
    from sandbox.store import tokens

    tokens.announce(context.home, name)
    publish(context, name)
    tokens.rotate(context.home, name)
    publish(context, name)


def _kept(context: Context, name: str) -> keys.Keys | None:
    try:
        return keys.read(context.home, name)
    except SandboxError as error:
        if error.code != "E096":
            raise
        return None
