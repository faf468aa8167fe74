"""CIFAR-10 as its authors publish it, for training a density on natural images."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its class, then red, green and blue."""
FILES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}


def read_cifar10(folder: str | Path, part: str = "train") -> Tensor:
    """Return the images of the binary version as whole numbers, (N, 3, 32, 32) uint8.

    Args:
        folder: what cifar-10-binary.tar.gz unpacks to, cifar-10-batches-bin.
        part: "train" (50,000 images) or "test" (10,000).

    Raises:
        FileNotFoundError: files are missing, all named. The version for Python is refused: reading it runs code.
        ValueError: a file is cut off.

    Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
    """
    folder = Path(folder)
    missing = [name for name in FILES[part] if not (folder / name).is_file()]
    if missing:
        hint = " The files there are the version for Python." if (folder / "data_batch_1").is_file() else ""
        raise FileNotFoundError(
            f"{folder}: expected CIFAR-10's binary version, {', '.join(missing)} is missing.{hint} Get "
            "cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and give its folder."
        )
    images = []
    for name in FILES[part]:
        values = np.fromfile(folder / name, dtype=np.uint8)
        if not len(values) or len(values) % RECORD:
            raise ValueError(f"{folder / name}: {len(values)} bytes are no whole number of images; download it again.")
        images.append(values.reshape(-1, RECORD)[:, 1:].reshape(-1, *SHAPE))
    return torch.from_numpy(np.concatenate(images))
