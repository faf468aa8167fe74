"""The studies of an app: folders of items, whose labels are checked when they are submitted."""

from collections.abc import Callable
from typing import Any

from monailabel.datastore.local import LocalDatastore
from monailabel.interfaces.datastore import DefaultLabelTag

from iunet_med.volumes import ENDINGS

CheckLabel = Callable[[str, str], None]
"""The name of an item, and the path of a label map for it; ValueError if they do not fit."""


class Studies(LocalDatastore):  # type: ignore[misc]
    """MONAI Label's folder of items; takes every format that this package reads."""

    def __init__(self, path: str, *, check_label: CheckLabel, **options: Any) -> None:
        self.check_label = check_label
        super().__init__(path, extensions=[f"*{ending}" for ending in ENDINGS], **options)

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Save a label map; one that training could not use is refused if it is tagged final."""
        if label_tag == DefaultLabelTag.FINAL:
            self.check_label(image_id, label_filename)
        return str(super().save_label(image_id, label_filename, label_tag, label_info))
