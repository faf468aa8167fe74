"""The studies of an app: folders of items, whose labels are checked when they are submitted."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import HTTPException
from monailabel.datastore.local import LocalDatastore
from monailabel.interfaces.datastore import DefaultLabelTag

from iunet_med.volumes import ENDINGS

CheckLabel = Callable[[str, str], None]
"""The name of an item, and the path of a label map for it; ValueError if they do not fit."""


class Studies(LocalDatastore):  # type: ignore[misc]
    """MONAI Label's folder of items; takes every format that this package reads.

    Args:
        path: the folder.
        cases: the keys of a case by the paths of its files.
        check_label: refuses labels that training could not use.
        options: of MONAI Label's datastore.
    """

    def __init__(
        self, path: str, *, cases: Mapping[str, Mapping[str, Any]], check_label: CheckLabel, **options: Any
    ) -> None:
        self.cases, self.check_label = cases, check_label
        super().__init__(path, extensions=[f"*{ending}" for ending in ENDINGS], **options)

    def check_item(self, image_id: str) -> None:
        """Refuse what is no item.

        Raises:
            HTTPException: there is no such item.
        """
        if image_id not in self.list_images():
            raise HTTPException(
                404, f"There is no item {image_id!r}; GET /datastore/?output=all lists those there are."
            )

    def case_of(self, image: str) -> Mapping[str, Any]:
        """Return the keys of the case that an item's file stands for; none if it is to be taken as it is."""
        return self.cases.get(image, {})

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Save a label map; one that training could not use is refused if it is tagged final."""
        if label_tag == DefaultLabelTag.FINAL:
            self.check_label(image_id, label_filename)
        return str(super().save_label(image_id, label_filename, label_tag, label_info))
