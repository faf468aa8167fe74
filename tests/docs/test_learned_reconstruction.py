"""The how-to's learned reconstruction runs, gets better than its start, and stores less."""

import re
from pathlib import Path
from typing import Any

import torch

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reconstruct-with-a-learned-step.md"


def test_it_learns_and_stores_less() -> None:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(code, names)  # noqa: S102  (the page is ours)
    first = float((names["start"] - names["truth"]).square().mean())
    assert names["losses"][0] < 2 * first
    assert names["losses"][-1] < 0.8 * first
    assert names["rebuilt"] < 0.8 * names["stored"]
