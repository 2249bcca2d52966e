"""How much the attributes of an object in an HDF5 file claim to hold, looked at before pyfive makes room for it.

See IV.A.2.m, the attribute message, in the HDF5 file format specification.
"""

import math
import struct
from typing import Any

from unrolled.files import UnreadableError

_ATTRIBUTE, _ATTRIBUTE_INFO = 0x0C, 0x15
_NOWHERE = 2**64 - 1


def check_attributes(header: Any, where: str) -> None:
    """Checks that the attributes in an object's header, as pyfive has it, claim no more values than it has bytes.

    Raises:
        UnreadableError: If they do, or are kept outside of the header, as Keras never does.
        struct.error: If the header is cut short.
    """
    for message in header.msgs:
        start = message["offset_to_message"]
        if message["type"] == _ATTRIBUTE and math.prod(_shape(header.msg_data, start)) > len(header.msg_data):
            raise UnreadableError(f"{where}: the HDF5 file is damaged: an attribute claims more than there is")
        if message["type"] == _ATTRIBUTE_INFO:
            flags = header.msg_data[start + 1]
            (heap,) = struct.unpack_from("<Q", header.msg_data, start + 2 + 2 * (flags & 1))
            if heap != _NOWHERE:
                raise UnreadableError(f"{where}: expected attributes as Keras writes them, got a heap of them")


def _shape(raw: bytes, start: int) -> tuple[int, ...]:
    """The shape of an attribute."""
    version, _, name, datatype = struct.unpack_from("<BBHH", raw, start)
    padding = 8 if version == 1 else 1
    place = start + (8 if version == 1 else 9) + sum(-(-size // padding) * padding for size in (name, datatype))
    version, axes = struct.unpack_from("<BB", raw, place)
    return struct.unpack_from(f"<{axes}Q", raw, place + (8 if version == 1 else 4))
