"""Help and docs/cli.md, which are made from the same tables as the parser."""

from pathlib import Path

import pytest

from sandbox.cli import catalog
from sandbox.cli.main import main
from sandbox.cli.page import COMMAND, page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"
GROUPS = [(entry, catalog.group(entry.name)) for entry in catalog.ENTRIES]


def test_the_page_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == page(), f"stale: run {COMMAND}"


def test_every_row_of_the_page_has_its_two_cells():
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert {line.replace("\\|", "").count("|") for line in rows} == {3}


def test_the_page_names_every_verb_and_flag():
    text = page()
    for entry, group in GROUPS:
        for verb in group.verbs:
            if entry.section in {catalog.OWN, catalog.AZURE} and not verb.run.startswith("missing"):
                assert f"### `{' '.join(filter(None, ['sandbox', entry.name, verb.name]))}`" in text
                assert [
                    name for flag in verb.flags for name in flag.names if f"`{name}" not in text and "-" in name
                ] == []


def test_help_teaches_the_way_in_ten_lines(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    way = text[text.index("The way") : text.index(catalog.OWN)]
    assert len(way.strip().splitlines()) <= 10
    assert [entry.name for entry in catalog.ENTRIES if entry.section and entry.name not in text] == []
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("entry", [entry for entry, _ in GROUPS if entry.section], ids=lambda entry: entry.name)
def test_every_group_and_verb_has_help(entry, capsys):
    group = catalog.group(entry.name)
    for verb in group.verbs:
        if verb.name == "*":
            continue
        words = [entry.name, verb.name] if verb.name else [entry.name]
        with pytest.raises(SystemExit) as caught:
            main([*words, "--help"])
        assert caught.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: sandbox {' '.join(words)}")
        assert verb.run.startswith("missing") or "example" in text
    if group.verbs[0].name:
        assert main([entry.name, "-h"]) == 0
        assert capsys.readouterr().out.startswith(f"usage: sandbox {entry.name} VERB")
        assert main([entry.name]) == 2
