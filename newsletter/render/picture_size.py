"""Read the kind and the size of a picture from the start of its file: PNG, GIF, JPEG and WebP.

Mail programs show these four: https://www.caniemail.com/search/?s=image
"""

import struct

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
# The markers of JPEG that begin a frame, with its size: SOF0 to SOF15, without the tables among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def media_type(head: bytes) -> str | None:
    """Return the media type of a picture by its first bytes, such as `image/png`; None for other files."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if head.startswith(b"RIFF") and head[8:12] == b"WEBP" else None


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Return the width and height in pixels; None for other files, and for a size of nothing."""
    try:
        size = _size(head)
    except (struct.error, IndexError):
        return None
    return size if size and all(size) else None


def _size(head: bytes) -> tuple[int, int] | None:
    match media_type(head):
        case "image/png" if head[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", head, 16)
            return width, height
        case "image/gif":
            width, height = struct.unpack_from("<HH", head, 6)
            return width, height
        case "image/jpeg":
            return _jpeg_size(head)
        case "image/webp":
            return _webp_size(head)
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    position = 2
    while head[position] == 0xFF:
        marker = head[position + 1]
        if marker == 0xFF:  # a filler
            position += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", head, position + 5)
            return width, height
        (length,) = struct.unpack_from(">H", head, position + 2)
        position += 2 + max(length, 2)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """Return the size of the three forms of WebP: lossy, lossless, and extended (RFC 9649)."""
    match head[12:16]:
        case b"VP8 " if head[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if head[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", head, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width = int.from_bytes(head[24:27], "little")
            height = int.from_bytes(head[27:30], "little")
            return width + 1, height + 1
    return None
