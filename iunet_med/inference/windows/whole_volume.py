"""Tells whether a network can run over a whole image in one piece."""

from collections.abc import Callable

import torch
from torch import Tensor

from iunet_med.memory import LiveBytes
from iunet_med.volumes.memory import available_bytes

PIECE = 64
"""Voxels along each axis of the piece that the memory is counted on."""
ROOM = 1.25
"""Workspaces of convolutions and the allocator's rounding come on top of what is counted."""


def predict_bytes(predict: Callable[[Tensor], Tensor], image: Tensor, *, device: torch.device) -> int:
    """Predict the peak of the tensors of a run over an image (1, C, D, H, W) in one piece.

    They are counted on a corner of the image, and grow with the number of voxels.
    """
    corner = image[..., :PIECE, :PIECE, :PIECE].to(device)
    with torch.no_grad(), LiveBytes() as live:
        predict(corner)
    counted: int = live.peak + corner.nbytes
    return int(counted * image.numel() / corner.numel() * ROOM) + 1


def reason_against_one_piece(predict: Callable[[Tensor], Tensor], image: Tensor, *, device: torch.device) -> str:
    """Say why an image (1, C, D, H, W) does not fit in one piece into the device's memory; empty if it does."""
    needed = predict_bytes(predict, image, device=device)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes()
    if needed > free:
        return f"in one piece it needs {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free"
    return ""
