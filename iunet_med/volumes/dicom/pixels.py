"""The values of a file's images: checked, decoded, rescaled."""

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from iunet_med.volumes.dicom.codestream import codestream_size
from iunet_med.volumes.dicom.decoding import expected_length, frame_bytes, frame_values, needs_decoder
from iunet_med.volumes.dicom.headers import Frame, functional_group

CURE = "pip install 'python-gdcm>=3.0.24'"


class PixelError(ValueError):
    """The pixels cannot be read; the message follows the file's name."""


def read_frames(content: bytes, frames: Sequence[Frame]) -> Iterator[NDArray[np.float64]]:
    """Yield the rescaled values of a file's frames, each (rows, columns), in the order of `frames`.

    Args:
        content: the file's.
        frames: some of those that its header describes.

    Raises:
        PixelError: says what is wrong with the file, without a word of what it holds.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom quotes the values that it warns of
            data = dcmread(BytesIO(content))
            _check_length(data)
    except PixelError:
        raise
    except Exception as error:  # a damaged file can raise anything, and the message may quote the patient's data
        raise PixelError(f"cannot be read ({type(error).__name__}); copy the file again") from None
    for frame in frames:
        yield _rescaled(_decoded(data, frame), data, frame)


def _check_length(data: Dataset) -> None:
    if "PixelData" not in data:
        raise PixelError("holds no pixel data; copy the file again")
    syntax = data.file_meta.TransferSyntaxUID
    length, expected = len(data.PixelData), expected_length(data)
    if not syntax.is_compressed and length < expected:
        raise PixelError(f"is cut off: expected {expected} bytes of pixel data, got {length}; copy the file again")


def _check_codestream(data: Dataset, frame: Frame) -> None:
    """Refuse a compressed image of another size than the header's before room is made for it."""
    if not data.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    try:
        size = codestream_size(frame_bytes(data, frame.index))
    except Exception as error:  # a damaged item can raise anything
        raise PixelError(f"holds damaged compressed pixels ({type(error).__name__}); copy the file again") from None
    if size is not None and size != frame.size:
        raise PixelError(f"holds compressed pixels of size {size}; its header said {frame.size} (rows, columns)")


def _decoded(data: Dataset, frame: Frame) -> NDArray[np.generic]:
    syntax = data.file_meta.TransferSyntaxUID
    try:
        lacks_decoder = needs_decoder(syntax)
    except NotImplementedError:
        raise PixelError("has a transfer syntax that cannot be read; convert it to Explicit VR Little Endian") from None
    _check_codestream(data, frame)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = frame_values(data, frame.index)
    except Exception as error:  # decoders raise anything for a damaged stream
        cure = f"it may need a decoder: {CURE}" if lacks_decoder else "copy the file again"
        raise PixelError(f"has {syntax.name} pixels that cannot be decoded ({type(error).__name__}); {cure}") from None
    if values.shape != frame.size:
        raise PixelError(f"holds pixels of shape {values.shape}; its header said {frame.size} (rows, columns)")
    return values


def _rescaled(values: NDArray[np.generic], data: Dataset, frame: Frame) -> NDArray[np.float64]:
    rule = functional_group(data, frame.index, "PixelValueTransformationSequence")
    if "ModalityLUTSequence" in rule:
        raise PixelError("maps its values by a table (ModalityLUTSequence); expected a slope and an intercept")
    named = [name for name in ("RescaleSlope", "RescaleIntercept") if name in rule]
    if len(named) == 1:
        raise PixelError(f"has {named[0]} alone; expected both slope and intercept, or neither")
    if named and not _is_rule(rule):
        raise PixelError("has a RescaleSlope of zero, or a slope or intercept that is no finite number")
    numbers = np.asarray(values, np.float64)
    return numbers * float(rule.RescaleSlope) + float(rule.RescaleIntercept) if named else numbers


def _is_rule(rule: Dataset) -> bool:
    try:
        slope, intercept = float(rule.RescaleSlope), float(rule.RescaleIntercept)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite([slope, intercept]).all() and slope != 0)
