"""A text that a user named stays what it is, whatever MONAI would make of it."""

import builtins
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from iunet_med.inference.configs import layout_of, read_configs, set_plain

RUNS = "__import__('builtins').__dict__.__setitem__('canary', 1)"
HOSTILE = [
    f"${RUNS}",
    f"$ {RUNS}",
    "$import this",
    "@other",
    "@other::0",
    "@::other",
    f"a'+{RUNS}+'",
    "%other",
    "%file.json::other",
    "%::other",
    "_target_",
    "a#b::c",
    "two\nlines",
    "'\"\\",
    "../..",
    "x" * 300,
    "\udcff\ud800",
    "\0",
    "",
]


@given(st.one_of(st.sampled_from(HOSTILE), st.text(), st.text().map(lambda text: "$" + text)))
def test_every_text_stays_itself(text: str) -> None:
    parser = ConfigParser({"other": ["$1 + 1"], "path": "", "joined": "$@path + '/x'", "same": "@path"})
    set_plain(parser, {"path": text})
    found = [parser.get_parsed_content(name) for name in ("path", "joined", "same")]
    assert found == [text, text + "/x", text]
    assert not hasattr(builtins, "canary")


def test_later_files_reach_into_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"layout": {"name": "auto", "x": [1, 2]}}')
    (tmp_path / "b.json").write_text('{"layout::name": "msd", "layout::x::1": 3}')
    parser = read_configs([tmp_path / "a.json", tmp_path / "b.json"], trust=False)
    assert parser.config == {"layout": {"name": "msd", "x": [1, 3]}}
    (tmp_path / "c.json").write_text('{"absent::name": 1}')
    with pytest.raises(ValueError, match=r"c\.json sets absent::name, and the config has no such id"):
        read_configs([tmp_path / "a.json", tmp_path / "c.json"], trust=False)


def test_what_is_no_object_is_told(tmp_path: Path) -> None:
    for content in ("[1, 2", "3", "[" * 100000):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(ValueError, match=r"a\.json is not a JSON object .*; correct it"):
            read_configs([tmp_path / "a.json"], trust=False)


def test_what_is_no_layout_is_told() -> None:
    with pytest.raises(ValueError, match=r"the config's layout is 'brats'; expected one of iunet_med\.data"):
        layout_of(ConfigParser({"layout": "brats"}))
    with pytest.raises(ValueError, match=r"the config's layout cannot be built: TypeError: .*modalities"):
        layout_of(ConfigParser({"layout": {"_target_": "iunet_med.datasets.FolderLayout"}}))
