"""Resampling to a spacing, of items that hold more than MONAI's transform expects."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Spacingd


class PlainSpacingd(Spacingd):  # type: ignore[misc]
    """`Spacingd` for items that hold texts by keys such as `image_path`.

    MONAI 1.6 takes whatever is called `image_...` for metadata of `image` and updates it; MONAI Label's items have the
    file's path there, which has no `update`.

    >>> item = {"image": MetaTensor(torch.zeros(1, 4, 4, 4)), "image_path": "a.nii.gz"}
    >>> PlainSpacingd("image", (2.0, 2.0, 2.0))(item)["image"].shape
    torch.Size([1, 2, 2, 2])
    """

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Resample the images of `data`; other entries stay as they are."""
        aside = {
            name: value
            for name, value in data.items()
            if any(str(name).startswith(f"{key}_") for key in self.keys) and not isinstance(value, dict)
        }
        d = super().__call__({name: value for name, value in data.items() if name not in aside}, lazy=lazy)
        return {**d, **aside}
