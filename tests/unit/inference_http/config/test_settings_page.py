from pathlib import Path

from inference_http.config.option_table import OPTIONS, OTHER_NAMES
from inference_http.config.settings_page import COMMAND, page

PAGE = Path(__file__).resolve().parents[4] / "docs" / "settings.md"


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == page(), f"stale: run {COMMAND}"


def test_the_page_names_everything():
    text = page()
    names = [name for option in OPTIONS for name in option.names]
    flags = [option.flag for option in OPTIONS if option.flag]
    assert [name for name in [*names, *flags, *OTHER_NAMES, COMMAND] if name not in text] == []


def test_every_row_has_its_four_cells():
    rows = [line for line in page().splitlines() if line.startswith("| ") and "`" in line]
    widths = {line.replace("\\|", "").count("|") for line in rows}
    assert widths == {5, 3}  # the table of other names has two columns
