"""The overlays for cards of 8 to 24 GB take what they say, and fit."""

import json
import re
from pathlib import Path

import pytest

from iunet_med.inference.configs import read_configs
from iunet_med.planning.budget import GIB, Budget
from iunet_med.planning.recipe import Recipe

ROOT = Path(__file__).parents[2]
OVERLAYS = [*sorted(ROOT.glob("configs/ct_*gb.json")), ROOT / "configs" / "ct_whole_volume.json"]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_the_step_fits_its_card(overlay: Path) -> None:
    config = json.loads(overlay.read_text())
    card, told = (float(number) for number in re.findall(r"(\d+) GB.* (\d+\.\d+) GiB", config["_desc_"])[0])
    parser = read_configs([ROOT / "bundle" / "iunet_ct_organs" / "configs" / "train.json", overlay], trust=False)
    recipe = Recipe(parser, device_type="cuda", bf16=True)
    taken = recipe.predict(config["roi_size"], backprop=config["backprop"]).total
    assert taken / GIB == pytest.approx(told, rel=0.01)
    assert taken <= Budget(int(card * GIB), on_gpu=True).tensors
