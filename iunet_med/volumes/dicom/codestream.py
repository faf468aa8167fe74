"""The size that a compressed image says of itself, read without decoding it."""

import struct

JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}
"""Markers of a frame's header: baseline, extended, progressive, lossless, and JPEG-LS (ITU-T T.81 and T.87)."""
JPEG_2000_START = b"\xff\x4f\xff\x51"
"""Start of a codestream and of its size segment (ITU-T T.800, A.4.1 and A.5.1)."""


def codestream_size(stream: bytes) -> tuple[int, int] | None:
    """Return the rows and columns of a JPEG, JPEG-LS or JPEG 2000 stream; None where its header is not found."""
    if (start := stream.find(JPEG_2000_START, 0, 4096)) >= 0:
        right, bottom, left, top = struct.unpack(">4I", stream[start + 8 : start + 24].ljust(16, b"\0"))
        return bottom - top, right - left
    place = 2
    while stream[:2] == b"\xff\xd8" and place + 9 <= len(stream) and stream[place] == 0xFF:
        marker, length = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        if marker in JPEG_FRAMES:
            rows, columns = struct.unpack(">2H", stream[place + 5 : place + 9])
            return rows, columns
        place += 2 + length
    return None
