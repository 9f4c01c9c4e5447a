"""Make the gateway do what is asked for; confirmed by the gateway itself before it returns."""

from sandbox import files
from sandbox.gateway.description import KeyAuth, TokenAuth
from sandbox.gateway.errors import GatewayError, PortBusy
from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState
from sandbox.ops.context import Context, of_system
from sandbox.reconcile.describe import description


def publish(context: Context) -> None:
    """Read everything that is asked for and everything that runs, and let the gateway take it.

    Any command may say it at any time: the lock makes them take turns, and each reads what is true when its turn comes.

    Raises:
        SandboxError: E003, E058, E059.
    """
    with files.alone(context.home.at("locks", "_gateway.lock"), "the gateway"):
        states = context.store.all()
        try:
            if not states:
                context.gateway.stop()
                return
            context.gateway.apply(description(states, context.backend.instances(), lambda each: _auth(context, each)))
        except PortBusy as error:
            fix = 'end that program, or give the endpoint another port: --set properties."sandbox.port"=5200'
            raise SandboxError("E058", error.what, error.why, fix) from None
        except GatewayError as error:
            raise SandboxError("E059", error.what, error.why, error.fix) from None
        except OSError as error:
            raise of_system(error) from error


def _auth(context: Context, state: EndpointState) -> KeyAuth | TokenAuth:
    mode = state.endpoint.auth_mode
    if mode == "key":
        from sandbox.store import keys

        found = keys.read(context.home, state.name)
        return KeyAuth(found.primary, found.secondary)
    from sandbox.store import tokens

    issuer = tokens.public(context.home, state.name, mode)
    return TokenAuth(issuer.issuer, issuer.audience, issuer.jwks)
