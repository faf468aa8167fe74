"""The documentation names what exists: files, and config ids with their defaults."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_config_ids_and_their_defaults_are_those_of_the_bundle() -> None:
    page = (ROOT / "docs/reference/configs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ([\w, ]+) \| ", page, re.MULTILINE)
    folder = ROOT / "bundle/iunet_brats_mri/configs"
    configs = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("train", "inference")}
    assert len(rows) == 35
    for name, default, users in rows:
        assert [user for user, ids in configs.items() if name in ids] == users.split(", "), name
        value = configs[users.split(", ")[0]][name]
        if not isinstance(value, str | dict):
            assert json.loads(f"[{default}]") == (value if isinstance(value, list) else [value]), name
