"""The examples for one's own code run as they stand; those for packages that are not installed are skipped."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-in-your-own-code.md"
SECTIONS = {
    re.search(r"^## (.+)", text, re.MULTILINE)[1]: re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for text in re.split(r"(?=^## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
}
NEEDS = {"Lightning": "lightning", "nnU-Net": "nnunetv2"}
LIGHTNING_WARNS = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)
"""Of its calls to torch that are out of date, and of loaders without processes."""


def run(section: str) -> dict[str, Any]:
    """Run a section after the imports of the first one."""
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec("import torch\nfrom iunet_med import IUNet", names)  # noqa: S102  (the page is ours)
    for code in SECTIONS[section]:
        exec(code, names)  # noqa: S102
    return names


@LIGHTNING_WARNS
@pytest.mark.parametrize("section", SECTIONS)
def test_an_example_runs(section: str) -> None:
    needed = NEEDS.get(section, "monai")
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    names = run(section)
    if section == "nnU-Net":
        check_trainer(names["nnUNetTrainerIUNet"])


@LIGHTNING_WARNS
@pytest.mark.slow
@pytest.mark.parametrize("how", ["network", "module"])
def test_lightning_trains_compiled_networks_to_the_same_weights(how: str) -> None:
    lightning = pytest.importorskip("lightning")
    found = []
    for compiled in (False, True):
        names = run("Lightning")
        torch.manual_seed(0)
        model = names["Segmentation"]()
        if compiled and how == "network":
            model.net.compile()
        fitted = torch.compile(model) if compiled and how == "module" else model
        lightning.Trainer(max_epochs=2, accelerator="cpu", **names["quiet"]).fit(fitted, names["data"])
        found.append([parameter.detach().clone() for parameter in model.parameters()])
    for eager, other in zip(*found, strict=True):
        torch.testing.assert_close(eager, other, rtol=1e-4, atol=1e-5)


def check_trainer(trainer: Any) -> None:
    plan = {
        "n_stages": 3,
        "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
        "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    }
    for supervised in (True, False):
        net = trainer.build_network_architecture("", plan, [], 1, 2, enable_deep_supervision=supervised)
        outputs = net.eval()(torch.zeros(1, 1, 16, 16, 16))
        shapes = [tuple(one.shape) for one in outputs] if supervised else tuple(outputs.shape)
        full = (1, 2, 16, 16, 16)
        assert shapes == ([full, (1, 2, 8, 8, 8)] if supervised else full)
