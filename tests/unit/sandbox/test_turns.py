"""Who may change an endpoint: one at a time, and the others are told who it is."""

import os

import pytest

from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.ops import turns
from sandbox.ops.context import Context


def test_the_second_is_told_who_is_at_it_and_never_who_was(tmp_path):
    context = Context.of(Home(str(tmp_path / "home")))
    with turns.alone(context, "Shop", "ann@laptop", "promote blue"):
        with pytest.raises(SandboxError, match="E186") as caught, turns.alone(context, "shop", "bob", "rollback"):
            pytest.fail("both at once")
        assert "ann@laptop is at it since" in caught.value.why
    with pytest.raises(ZeroDivisionError), turns.alone(context, "shop", "eve", "rollback"):
        raise ZeroDivisionError
    assert os.listdir(context.home.at("locks")) == ["_promote.shop.lock"], "the next one has not said yet who it is"
    with turns.alone(context, "shop", "bob@desk", "rollback"):
        pass
