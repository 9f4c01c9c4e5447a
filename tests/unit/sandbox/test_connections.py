"""Connections: kept with their secrets apart, shown without them, injected where a variable refers to them."""

import contextlib
import datetime as dt
import json
import multiprocessing
import os
import signal
import stat
import time
from dataclasses import replace
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.home import Home
from sandbox.model.connection import CREDENTIALS, TYPES, Connection, Credentials, refers_to_secret
from sandbox.model.errors import NotFound, SandboxError
from sandbox.store import connections, connections_inject, connections_secrets
from sandbox.store.connections_shown import as_azure, as_rest

SPAWN = multiprocessing.get_context("spawn")
SECRET = "a-very-secret-value"


class FileRing(keyring.backend.KeyringBackend):
    """A keyring that works, in a file of the test; ``refuses`` is what a locked one does."""

    priority = 5
    file = None
    refuses = False

    def _all(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def _asked(self):
        if self.refuses:
            raise keyring.errors.KeyringLocked(SECRET)

    def get_password(self, service, username):
        self._asked()
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._asked()
        self.file.write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        self._asked()
        left = self._all()
        del left[f"{service}/{username}"]
        self.file.write_text(json.dumps(left))


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home"))


@pytest.fixture
def ring(tmp_path, monkeypatch):
    monkeypatch.delenv("SANDBOX_KEYRING", raising=False)
    before = keyring.get_keyring()
    made = FileRing()
    made.file = tmp_path / "ring.json"
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture(params=["file", "keyring"])
def either(request, monkeypatch):
    """Each way of keeping secrets."""
    if request.param == "keyring":
        return request.getfixturevalue("ring")
    monkeypatch.setenv("SANDBOX_KEYRING", "off")
    return None


@pytest.fixture(autouse=True)
def no_keyring_of_the_machine(monkeypatch):
    monkeypatch.setenv("SANDBOX_KEYRING", "off")


def openai(name="aoai", key=SECRET, **more):
    return Connection(
        name,
        "azure_open_ai",
        "https://me.openai.azure.com/",
        credentials=Credentials("api_key", {"key": key}),
        metadata={"ApiVersion": "2024-02-01", "ApiType": "Azure", "Limits": {"a": 1}},
        **more,
    )


def everything_below(home):
    return [path for path in Path(home.root).rglob("*") if path.is_file()]


# --- Keeping ---------------------------------------------------------------------------------------------------------


def test_a_connection_is_shown_without_its_secrets_unless_asked_for(home, either):
    made = connections.create(home, openai())
    assert made == connections.show(home, "aoai") == connections.list_all(home)[0]
    assert made.connection.credentials == Credentials("api_key")
    found = connections.show(home, "AOAI", populate_secrets=True)
    assert found.connection == openai()
    assert SECRET not in f"{made!r} {found!r} {found.connection!s}"


def test_creating_it_again_replaces_it_and_leaves_no_old_secret(home, either):
    first = connections.create(home, openai())
    second = connections.create(home, openai(key="another-secret", description="d"))
    assert (second.created, second.connection.description) == (first.created, "d")
    assert connections.show(home, "aoai", populate_secrets=True).connection == openai(
        key="another-secret", description="d"
    )
    kept = either.file.read_text() if either else "".join(path.read_text() for path in everything_below(home))
    assert SECRET not in kept
    assert kept.count("another-secret") == 1


def test_deleting_leaves_nothing(home, either):
    connections.create(home, openai())
    connections.delete(home, "Aoai")
    assert connections.list_all(home) == []
    assert [path for path in everything_below(home) if path.suffix == ".json"] == []
    assert not either or either.file.read_text() == "{}"
    with pytest.raises(NotFound, match="E103"):
        connections.delete(home, "aoai")


def test_with_a_keyring_no_file_of_ours_holds_a_secret(home, ring):
    connections.create(home, openai())
    assert not [path for path in everything_below(home) if SECRET in path.read_text()]
    assert SECRET in ring.file.read_text()


def test_two_homes_share_a_keyring_and_nothing_else(tmp_path, ring):
    first, second = Home(str(tmp_path / "1")), Home(str(tmp_path / "2"))
    connections.create(first, openai(key="one-one-one"))
    connections.create(second, openai(key="two-two-two"))
    connections.delete(second, "aoai")
    assert connections.show(first, "aoai", populate_secrets=True).connection == openai(key="one-one-one")


def test_files_are_for_their_owner_only_and_secrets_lie_apart(home):
    connections.create(home, openai())
    below = [Path(home.root), *Path(home.root).rglob("*")]
    assert [path for path in below if stat.S_IMODE(os.lstat(path).st_mode) & 0o077] == []
    assert SECRET not in Path(home.secrets, "connections", "aoai.json").read_text()


def test_switching_the_keyring_off_later_still_finds_what_is_in_it(home, ring, monkeypatch):
    connections.create(home, openai())
    monkeypatch.setenv("SANDBOX_KEYRING", "off")
    assert connections.show(home, "aoai", populate_secrets=True).connection == openai()
    connections.create(home, openai(key="in-a-file-now"))
    assert ring.file.read_text() == "{}"
    assert connections.show(home, "aoai", populate_secrets=True).connection == openai(key="in-a-file-now")


def test_a_keyring_that_keeps_nothing_is_not_used(ring, monkeypatch):
    assert connections_secrets.choose() == "keyring"
    monkeypatch.setattr(FileRing, "priority", 0.5)
    assert connections_secrets.choose() == "file"
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert connections_secrets.choose() == "file"


def test_a_locked_keyring_is_told_without_what_it_says_and_changes_nothing(home, ring):
    connections.create(home, openai())
    ring.refuses = True
    for act in (
        lambda: connections.create(home, openai(key="other-other")),
        lambda: connections.create(home, openai("second")),
        lambda: connections.show(home, "aoai", populate_secrets=True),
    ):
        with pytest.raises(SandboxError, match="E106") as caught:
            act()
        assert caught.value.why == "KeyringLocked"
        assert "SANDBOX_KEYRING=off" in caught.value.fix
        assert caught.value.__cause__ is None
    ring.refuses = False
    assert connections.show(home, "aoai", populate_secrets=True).connection == openai()
    assert [each.connection.name for each in connections.list_all(home)] == ["aoai"]


def test_secrets_that_are_gone_are_told(home):
    connections.create(home, openai())
    for path in Path(home.secrets, "connection-secrets").glob("*.json"):
        path.unlink()
    assert connections.show(home, "aoai").connection.target == "https://me.openai.azure.com/"
    with pytest.raises(SandboxError, match="E106"):
        connections.show(home, "aoai", populate_secrets=True)


def test_lists_can_be_of_one_type(home):
    connections.create(home, openai("zzz"))
    connections.create(home, Connection("aaa", "git", "https://x", credentials=Credentials("pat", {"pat": "p"})))
    assert [each.connection.name for each in connections.list_all(home)] == ["aaa", "zzz"]
    assert [each.connection.name for each in connections.list_all(home, "GIT")] == ["aaa"]
    assert connections.list_all(home, "s3") == []
    assert connections.list_all(home, "git", populate_secrets=True)[0].connection.credentials.values == {"pat": "p"}


def test_dates_of_yaml_become_text(home):
    connections.create(home, replace(openai(), metadata={"day": dt.date(2026, 1, 2)}))
    assert connections.show(home, "aoai").connection.metadata == {"day": "2026-01-02"}


def test_what_is_not_there_is_said_with_what_is_near(home):
    with pytest.raises(NotFound) as caught:
        connections.show(home, "aoai")
    assert (caught.value.code, caught.value.exit_code, caught.value.why) == ("E103", 3, "there is none")
    connections.create(home, openai("Default_AzureOpenAI"))
    for name, says in (("default-azureopenai", "did you mean Default_AzureOpenAI?"), ("x/../y", "there are Default")):
        with pytest.raises(NotFound) as caught:
            connections.show(home, name)
        assert says in caught.value.why


@pytest.mark.parametrize(
    "wrong",
    [
        Connection("a", "git", "https://x"),
        Connection("../../x", "git", "https://x"),
        Connection("abc", "git"),
        Connection("abc", "git", "https://x", credentials=Credentials("pat")),
        Connection("abc", "git", "https://x", credentials=Credentials("pat", {"pat": SECRET, "key": "k"})),
        Connection("abc", "azure_blob", "https://x", credentials=Credentials("pat", {"pat": SECRET})),
    ],
)
def test_what_cannot_be_a_connection_is_refused_without_its_secret(home, wrong):
    with pytest.raises(SandboxError, match="E104") as caught:
        connections.create(home, wrong)
    assert caught.value.exit_code == 2
    assert SECRET not in f"{caught.value!r} {caught.value.why} {caught.value.fix}"
    assert connections.list_all(home) == []


@pytest.mark.parametrize("content", ["{}", "[]", '{"connection": null, "secret": null, "left": []}'])
def test_a_file_of_nonsense_counts_as_no_connection(home, content):
    connections.create(home, openai())
    Path(home.secrets, "connections", "aoai.json").write_text(content)
    assert connections.list_all(home) == []
    connections.create(home, openai())
    assert connections.show(home, "aoai", populate_secrets=True).connection == openai()


def create_forever(root, name):
    number = 0
    while True:
        number += 1
        connections.create(Home(root), openai(name, key=f"{number}-{number}-{number}"))


@pytest.mark.parametrize("after_ms", [5, 12, 25])
def test_a_kill_at_any_moment_leaves_a_whole_connection_and_no_second_secret(home, after_ms):
    worker = SPAWN.Process(target=create_forever, args=(home.root, "aoai"))
    worker.start()
    deadline = time.monotonic() + 60
    while not connections.list_all(home):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    until = time.monotonic() + after_ms / 1000
    while time.monotonic() < until:
        key = connections.show(home, "aoai", populate_secrets=True).connection.credentials.values["key"]
        assert len(set(key.split("-"))) == 1  # read while it changes: never of two
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert connections.show(home, "aoai", populate_secrets=True).connection.credentials.values["key"]
    connections.create(home, openai())
    assert len(list(Path(home.secrets, "connection-secrets").iterdir())) == 1
    connections.delete(home, "aoai")
    assert list(Path(home.secrets, "connection-secrets").iterdir()) == []


# --- Showing ---------------------------------------------------------------------------------------------------------


def test_show_prints_what_azure_prints(home):
    connections.create(home, openai())
    hidden = as_azure(connections.show(home, "aoai"))
    assert hidden.pop("creation_context").keys() == {"created_at", "last_modified_at"}
    assert hidden.pop("id").endswith("/workspaces/sandbox/connections/aoai")
    metadata = dict(openai().metadata)
    assert hidden == {
        "name": "aoai",
        "type": "azure_open_ai",
        "target": "https://me.openai.azure.com/",
        "azure_endpoint": "https://me.openai.azure.com/",
        "api_version": "2024-02-01",
        "credentials": {"type": "api_key"},
        "is_shared": True,
        "metadata": metadata,
        "tags": metadata,
    }
    shown = as_azure(connections.show(home, "aoai", populate_secrets=True))
    assert (shown["credentials"], shown["api_key"]) == ({"type": "api_key", "key": SECRET}, SECRET)


@pytest.mark.parametrize(
    ("kind", "metadata", "also"),
    [
        (
            "azure_blob",
            {"AccountName": "a", "ContainerName": "c"},
            {"url": "t", "account_name": "a", "container_name": "c"},
        ),
        ("azure_ai_services", {"ResourceId": "r"}, {"endpoint": "t", "ai_services_resource_id": "r"}),
        ("serverless", {}, {"endpoint": "t"}),
        ("api_key", {}, {"api_base": "t"}),
        ("custom", {}, {}),
    ],
)
def test_show_has_the_names_that_the_type_has(home, kind, metadata, also):
    opened = Credentials("custom_keys", {"A": "a"}) if kind == "custom" else Credentials("sas", {"sas_token": "s"})
    opened = opened if kind in {"custom", "azure_blob"} else Credentials("api_key", {"key": "k"})
    connections.create(home, Connection("abc", kind, "t", credentials=opened, metadata=metadata))
    shown = as_azure(connections.show(home, "abc", populate_secrets=True))
    common = {"id", "name", "type", "target", "is_shared", "metadata", "tags", "creation_context"}
    secrets = {
        "custom_keys": {"credentials": {"type": "custom_keys", "keys": {"A": "a"}}},
        "sas": {"credentials": {"type": "sas", "sas_token": "s"}},
        "api_key": {"credentials": {"type": "api_key", "key": "k"}, "api_key": "k"},
    }
    assert {key: each for key, each in shown.items() if key not in common} == {**also, **secrets[opened.type]}


@pytest.mark.parametrize("opened", CREDENTIALS)
def test_every_type_can_be_shown_as_the_service_says_it(opened):
    values = {"A": "a"} if opened == "custom_keys" else {key: f"of {key}" for key in CREDENTIALS[opened]}
    for kind in TYPES:
        said = as_rest(Connection("abc", kind, "t", credentials=Credentials(opened, values)))["properties"]
        found = said.get("credentials", {})
        assert list((found["keys"] if opened == "custom_keys" else found).values()) == list(values.values())
        assert said["category"][0].isupper()
        assert "_" not in json.dumps([said["authType"], said["category"], *found])


# --- Injecting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(home):
    connections.create(home, openai())
    keys = {"OPENAI_API_KEY": "of-openai", "my secret": "with a blank"}
    connections.create(home, Connection("multi", "custom", "x", credentials=Credentials("custom_keys", keys)))
    user = Credentials("username_password", {"username": "u", "password": "p"})
    connections.create(home, Connection("registry", "container_registry", "reg.io", credentials=user))
    connections.create(home, Connection("store", "azure_blob", "b", credentials=Credentials("sas", {"sas_token": "s"})))
    vault = Credentials("custom_keys", {"secret1": "of-the-vault"})
    connections.create(home, Connection("vault", "custom", "https://MyVault.vault.azure.net/", credentials=vault))
    connections.create(home, Connection("nothing", "serp", credentials=Credentials("api_key", {"key": "k"})))
    return home


@pytest.mark.parametrize(
    ("written", "injected"),
    [
        ("${{azureml://connections/aoai/target}}", "https://me.openai.azure.com/"),
        ("${{azureml://connections/aoai/credentials/key}}", SECRET),
        ("${{ azureml://connections/AOAI/credentials/key }}", SECRET),
        ("${{azureml://connections/aoai/metadata/ApiVersion}}", "2024-02-01"),
        ("${{azureml://connections/aoai/metadata/Limits}}", '{"a": 1}'),
        ("${{azureml://connections/multi/credentials/OPENAI_API_KEY}}", "of-openai"),
        ("${{azureml://connections/multi/credentials/my secret}}", "with a blank"),
        ("${{azureml://connections/registry/credentials/password}}", "p"),
        ("${{azureml://connections/store/credentials/sas}}", "s"),
        ("${{azureml://connections/store/credentials/sas_token}}", "s"),
        ("${{keyvault:https://myvault.vault.azure.net/secrets/secret1/0123}}", "of-the-vault"),
        ("${{keyvault:https://myvault.vault.azure.net/secrets/secret1}}", "of-the-vault"),
        ("plain", "plain"),
        ("", ""),
        (
            "Bearer ${{azureml://connections/aoai/credentials/key}}",
            "Bearer ${{azureml://connections/aoai/credentials/key}}",
        ),
        ("${{secrets.X}}", "${{secrets.X}}"),
    ],
)
def test_references_are_replaced_and_nothing_else(filled, written, injected):
    assert connections_inject.resolve(filled, {"V": written, "W": None}) == {"V": injected}
    assert refers_to_secret(written) or written == injected


def test_a_whole_connection_is_what_listsecrets_answers(filled):
    value = connections_inject.resolve(filled, {"C": "${{azureml://connections/multi}}"})["C"]
    assert json.loads(value)["properties"] == {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": "x",
        "isSharedToAll": True,
        "metadata": {},
        "credentials": {"keys": {"OPENAI_API_KEY": "of-openai", "my secret": "with a blank"}},
    }


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("${{azureml://connections/aoia/target}}", "there is no connection 'aoia' did you mean aoai?"),
        ("${{azureml://connections/aoai/credentials/kye}}", "credentials/kye of connection 'aoai' did you mean key?"),
        ("${{azureml://connections/aoai/metadata/apiVersion}}", "did you mean ApiVersion?"),
        ("${{azureml://connections/nothing/metadata/x}}", "there are none"),
        ("${{azureml://connections/nothing/target}}", "has no target"),
        ("${{azureml://connections/aoai/credentials}}", "names no part"),
        ("${{azureml://connections/aoai/target/x}}", "names no part"),
        ("${{azureml://connections/}}", "names no part"),
        ("${{azureml://connections/aoai/secrets/key}}", "names no part"),
        ("${{keyvault:https://other.vault.azure.net/secrets/s/1}}", "stands for the key vault other.vault.azure.net"),
        ("${{keyvault:https://myvault.vault.azure.net/secrets/secret2/1}}", "'secret2' of connection 'vault'"),
        ("${{keyvault:secret1@myvault}}", "names no secret of a key vault"),
    ],
)
def test_what_cannot_be_injected_names_variable_connection_and_key(filled, written, says):
    with pytest.raises(SandboxError, match="E105") as caught:
        connections_inject.resolve(filled, {"GOOD": "x", "MY_KEY": written})
    error = caught.value
    assert "environment variable MY_KEY" in error.what
    assert says in f"{error.what} {error.why}"
    for secret in (SECRET, "of-openai", "of-the-vault"):
        assert secret not in f"{error!r} {error.why} {error.fix}"


def test_a_locked_keyring_stops_the_injection(home, ring):
    connections.create(home, openai())
    ring.refuses = True
    with pytest.raises(SandboxError, match="E106"):
        connections_inject.resolve(home, {"K": "${{azureml://connections/aoai/credentials/key}}"})


@given(st.dictionaries(st.text(min_size=1), st.one_of(st.none(), st.text())))
def test_anything_without_a_reference_stays_as_it_is(variables):
    home = Home("nowhere-at-all")
    with contextlib.suppress(SandboxError):
        found = connections_inject.resolve(home, variables)
        assert found == {key: value for key, value in variables.items() if value is not None}
