"""Names follow the regions into the values of the study."""

import json
from pathlib import Path

from iunet_med.datasets import dataset_layout
from iunet_med.monai_label.label_names import label_names

METADATA = json.loads((Path(__file__).parents[2] / "bundle/iunet_brats_mri/configs/metadata.json").read_text())
USUAL = dataset_layout("brats23").regions


def test_the_names_of_one_scheme_are_those_of_another_by_the_regions() -> None:
    named = {name: label_names(METADATA, USUAL, dataset_layout(name).regions) for name in ("brats23", "brats18", "msd")}
    assert named["brats23"] == {"enhancing": 3, "necrosis": 1, "oedema": 2}
    assert named["brats18"] == {"enhancing": 4, "necrosis": 1, "oedema": 2}
    assert named["msd"] == {"enhancing": 3, "necrosis": 2, "oedema": 1}


def test_regions_without_a_name_keep_their_own() -> None:
    assert label_names({}, USUAL, {"Left": [1], "Right": [2]}) == {"left": 1, "right": 2}
    assert label_names({}, {"Left": [1]}, {"Left": [7]}) == {"left": 7}
