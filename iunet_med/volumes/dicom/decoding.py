"""One frame's values and bytes, by pydicom 3 or by pydicom 2, which MONAI Label needs."""

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID

if int(pydicom.__version__.partition(".")[0]) >= 3:
    from pydicom.encaps import get_frame
    from pydicom.pixels import get_decoder, pixel_array
    from pydicom.pixels.utils import get_expected_length as expected_length

    def frame_values(data: Dataset, index: int | None) -> NDArray[np.generic]:
        """Decode a frame (rows, columns); of a file with a single image the index is None."""
        values: NDArray[np.generic] = pixel_array(data, index=index)
        return values

    def frame_bytes(data: Dataset, index: int | None) -> bytes:
        """Return a frame's compressed bytes."""
        content: bytes = get_frame(data.PixelData, index or 0, number_of_frames=int(data.get("NumberOfFrames") or 1))
        return content

    def needs_decoder(syntax: UID) -> bool:
        """Whether a frame that cannot be decoded may need a package more.

        Raises:
            NotImplementedError: nothing decodes this transfer syntax.
        """
        plugins = get_decoder(syntax).available_plugins
        return bool(syntax.is_compressed and "gdcm" not in plugins and not syntax.name.startswith("RLE"))

else:
    from pydicom import config
    from pydicom.encaps import generate_pixel_data_frame
    from pydicom.pixel_data_handlers import gdcm_handler
    from pydicom.pixel_data_handlers.util import get_expected_length as expected_length

    def frame_values(data: Dataset, index: int | None) -> NDArray[np.generic]:
        """Decode a frame (rows, columns); of a file with a single image the index is None."""
        values: NDArray[np.generic] = data.pixel_array  # all frames; pydicom keeps them
        return values if index is None else values[index]

    def frame_bytes(data: Dataset, index: int | None) -> bytes:
        """Return a frame's compressed bytes."""
        frames = generate_pixel_data_frame(data.PixelData, int(data.get("NumberOfFrames") or 1))
        return next(bytes(content) for number, content in enumerate(frames) if number == (index or 0))

    def needs_decoder(syntax: UID) -> bool:
        """Whether a frame that cannot be decoded may need a package more.

        Raises:
            NotImplementedError: nothing decodes this transfer syntax.
        """
        handlers: list[Any] = config.pixel_data_handlers
        if not any(handler.supports_transfer_syntax(syntax) for handler in handlers):
            raise NotImplementedError
        return bool(syntax.is_compressed and not gdcm_handler.is_available() and not syntax.name.startswith("RLE"))


__all__ = ["expected_length", "frame_bytes", "frame_values", "needs_decoder"]
