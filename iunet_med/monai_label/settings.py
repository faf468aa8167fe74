"""What an app's folder says about itself, in `app.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from iunet_med.datasets.layouts import Case
from iunet_med.files import replacing

FILE = "app.json"


@dataclass(frozen=True)
class AppSettings:
    """What the server needs to know beside the bundle.

    Args:
        bundle: the name of its folder below `model`.
        dataset_dir: the folder that the bundle's layout is found for; empty where there is none.
        patterns: for each modality the pattern of its files, or of its DICOM series' descriptions.
        modality: of the series of a DICOMweb server, "CT" or "MR"; empty for folders.
        shown: the modality that stands for a patient; empty for the network's first one.
        cases: the patients by the names of their items; those whose channels have no names are not here.
    """

    bundle: str
    dataset_dir: str = ""
    patterns: Mapping[str, str] = field(default_factory=dict)
    modality: str = ""
    shown: str = ""
    cases: Mapping[str, Case] = field(default_factory=dict)

    def write(self, app: Path) -> None:
        """Write the settings into an app's folder."""
        with replacing(app / FILE) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read_settings(app: Path) -> AppSettings:
    """Read the settings of an app's folder.

    Raises:
        ValueError: the folder is no app of ours.
    """
    try:
        return AppSettings(**json.loads((app / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"{app} is not an app that `iunet-med monai-label` has written ({error}); write it to a new folder by "
            "`iunet-med monai-label STUDIES --out APP`."
        ) from error
