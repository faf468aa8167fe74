"""Names that lead out of a folder, hide or cannot be shown are refused; ordinary ones are kept."""

from pathlib import Path

import pytest

from iunet_med.inference.intake.names import LONGEST_BYTES, check_name, shown_name

HOSTILE = [
    *(
        "",
        " ",
        ".",
        "..",
        "../up",
        "a/../../b",
        "/etc/passwd",
        "a\\b",
        ".hidden",
        "trailing.",
        " space",
        "nul",
        "COM1.x",
    ),
    *(
        "line\nbreak",
        "zero\0",
        "\x1b[31m",
        "<b>bold</b>",
        'quote"',
        "c:",
        "a*",
        "=1+1",
        "\u202egnp",
        "\ud800",
        "ä" * 61,
    ),
]


@pytest.mark.parametrize(
    "name", ["GLI-1-000", "patient 07", "Müller_2.v3", "患者1", "x" * LONGEST_BYTES, "a(1)", "con1"]
)
def test_ordinary_names_are_kept(name: str) -> None:
    assert check_name(name) == shown_name(name) == name


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_refused_and_shown_by_a_safe_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the case's name .* rename the case"):
        check_name(name)
    shown = shown_name(name)
    assert check_name(shown) == shown
    assert (tmp_path / shown).parent == tmp_path


def test_stand_ins_of_different_names_differ() -> None:
    assert len({shown_name(name) for name in HOSTILE}) == len(HOSTILE)
