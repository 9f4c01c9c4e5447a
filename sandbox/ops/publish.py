"""Make the gateway do what is asked for; confirmed by the gateway itself before it returns.

What is wrong with one endpoint is its own trouble: a file of it that is damaged, keys that are gone, a port that
somebody else has. It stays as it was published last, and the others are published.
"""

from collections.abc import Callable, Sequence

from sandbox import files
from sandbox.backend.protocol import Instance
from sandbox.gateway.description import Description, KeyAuth, TokenAuth
from sandbox.gateway.errors import DescriptionError, GatewayError, PortBusy
from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState
from sandbox.ops import production
from sandbox.ops.backends import contained, seen
from sandbox.ops.context import Context, of_system
from sandbox.reconcile.describe import description

Auth = KeyAuth | TokenAuth
PORTS = "end that program, or give the host others: sandbox host add NAME ADDRESS --https-port 8443 --http-port 8080"
Troubles = dict[str, SandboxError]  # by the name of the endpoint, in lower case


def publish(context: Context, about: str | None = None) -> Troubles:
    """Read everything that is asked for and everything that runs, and let the gateway take it.

    Any command may say it at any time: the lock makes them take turns, and each reads what is true when its turn comes.

    Args:
        context: where.
        about: the endpoint whose command it is: its trouble is raised, when the others are published.

    Returns:
        What keeps endpoints from being published (E004, E058 to E060, E096), by name.

    Raises:
        SandboxError: E003, E059; of a host E170, E172; E004, E058, E060 and E096 about the endpoint ``about``.
    """
    with files.alone(context.home.at("locks", "_gateway.lock"), "the gateway"):
        try:
            troubles = _publish(context)
        except PortBusy as error:  # of no single endpoint: one of the host's own
            raise SandboxError("E058", error.what, error.why, PORTS) from None
        except GatewayError as error:
            raise told(error) from None
        except OSError as error:
            raise of_system(error) from error
    mine = troubles.get(about.lower()) if about else None
    if mine is not None:
        raise mine
    return troubles


def _publish(context: Context) -> Troubles:
    states, troubles = context.store.look()
    if not states and not troubles:
        context.gateway.stop()
        return {}
    opened = _opened(context, states, troubles)
    instances, unseen = seen(context.backend)
    if unseen is not None:
        troubles |= {state.name.lower(): unseen for state in states if contained(state)}
    apart, doubled = _one_each(states, troubles)
    named = production.named_once(apart, troubles)
    described = _description(instances, named, opened, troubles)
    described = production.offered(context.home, described, context.report)
    busy = context.gateway.apply(described, frozenset(troubles))
    return {**troubles, **doubled, **{name.lower(): told(error) for name, error in busy.items()}}


def _opened(context: Context, states: Sequence[EndpointState], troubles: Troubles) -> dict[str, Auth]:
    """Find what opens each endpoint; one whose keys cannot be read gets into trouble."""
    found = {}
    for state in states:
        said = _auth(context, state) if state.state != "Deleting" else None
        if isinstance(said, SandboxError):
            troubles[state.name.lower()] = said
        elif said is not None:
            found[state.name] = said
    return found


def _one_each(states: Sequence[EndpointState], troubles: Troubles) -> tuple[list[EndpointState], Troubles]:
    """Return those without trouble. Of two with one port (a file that was restored) the older one has it."""
    found: dict[int, EndpointState] = {}
    doubled = {}
    for state in sorted(states, key=lambda each: each.created):
        if state.name.lower() in troubles or state.state == "Deleting":
            continue
        other = found.setdefault(state.port, state)
        if other is not state:
            what = f"endpoint {state.name} has port {state.port}, and so has endpoint {other.name}"
            fix = f'sandbox online-endpoint update -n {state.name} --set properties."sandbox.port"=5200'
            doubled[state.name.lower()] = SandboxError("E058", what, "the older one keeps it", fix)
    return sorted(found.values(), key=lambda each: each.name), doubled


def _description(
    instances: Sequence[Instance], states: Sequence[EndpointState], opened: dict[str, Auth], troubles: Troubles
) -> Description:
    """Describe these endpoints together; one that cannot be described alone gets into trouble instead."""

    def auth(state: EndpointState) -> Auth:
        return opened[state.name]

    try:
        return description(states, instances, auth)
    except DescriptionError:
        good = []
        for state in states:
            said = _alone(state, instances, auth)
            if said is None:
                good.append(state)
            else:
                troubles[state.name.lower()] = said
        return description(good, instances, auth)


def _alone(
    state: EndpointState, instances: Sequence[Instance], auth: Callable[[EndpointState], Auth]
) -> SandboxError | None:
    try:
        description([state], instances, auth)
    except DescriptionError as error:
        return told(error)
    return None


def told(error: GatewayError) -> SandboxError:
    """Return what the gateway says as people are told it."""
    if isinstance(error, PortBusy):
        fix = 'end that program, or give the endpoint another port: --set properties."sandbox.port"=5200'
        return SandboxError("E058", error.what, error.why, fix)
    return SandboxError("E059", error.what, error.why, error.fix)


def locked_out(context: Context, state: EndpointState) -> SandboxError | None:
    """Return why nobody can be let in (E004, E096: its keys are damaged or gone), if it is so. Changes nothing."""
    try:
        if state.endpoint.auth_mode == "key":
            from sandbox.store import keys

            keys.read(context.home, state.name)
        else:
            from sandbox.store import tokens

            tokens.trusted(context.home, state.name)
    except SandboxError as error:
        return error
    return None


def _auth(context: Context, state: EndpointState) -> Auth | SandboxError:
    mode = state.endpoint.auth_mode
    try:
        if mode == "key":
            from sandbox.store import keys

            found = keys.read(context.home, state.name)
            return KeyAuth(found.primary, found.secondary)
        from sandbox.store import tokens

        issuer = tokens.public(context.home, state.name, mode)
        return TokenAuth(issuer.issuer, issuer.audience, issuer.jwks)
    except SandboxError as error:
        return error
