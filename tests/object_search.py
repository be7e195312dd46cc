"""Search all objects of a repository for addresses: plain, digested, in Base64 and compressed."""

import base64
import hashlib
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path


def objects(origin: Path) -> Iterator[bytes]:
    """Yield the content of each object of a repository."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    listed = subprocess.run(command, cwd=origin, capture_output=True, check=True).stdout
    while listed:
        head, _, rest = listed.partition(b"\n")
        size = int(head.split()[2])
        yield rest[:size]
        listed = rest[size + 1 :]


def forms(address: str) -> Iterator[bytes]:
    """Yield an address in the forms in which somebody would search for it."""
    encoded = address.encode()
    yield encoded
    for digest in (hashlib.sha256(encoded), hashlib.md5(encoded)):
        yield digest.digest()
        yield digest.hexdigest().encode()
    for start in range(3):
        text = base64.b64encode(b"\0" * start + encoded + b"\0\0")
        yield text[4 : 4 + len(address)]


def found(origin: Path, addresses: Iterable[str]) -> set[str]:
    """Return the addresses that are in an object, as it is or unpacked."""
    readable = []
    for content in objects(origin):
        readable.append(content)
        start = -1
        while (start := content.find(b"\x1f\x8b", start + 1)) >= 0:
            unpacker = zlib.decompressobj(wbits=31)
            try:
                readable.append(unpacker.decompress(content[start:]))
            except zlib.error:
                continue
    return {
        address for address in addresses for form in forms(address) if any(form in each for each in readable)
    }
