"""Every code is known, and the docs list exactly those that exist."""

import re
from pathlib import Path

import pytest

from iunet_med.checks.finding import CODES, warning

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"


def test_the_docs_list_exactly_the_codes() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    listed = [code for row in rows for code in re.findall("`([^`]+)`", row)]
    assert sorted(listed) == sorted(CODES)


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown code 'odd' of a finding; add it to CODES"):
        warning("odd", "text")
