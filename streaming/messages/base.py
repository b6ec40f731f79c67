"""What all messages share: camelCase on the wire, frozen in memory, a schema version."""

from datetime import datetime
from typing import Annotated

import msgspec

SCHEMA_VERSION = 1

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339, UTC."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

Number = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
"""Any measured value. 1e308 is valid JSON, and more than a 32-bit column of the lake can hold."""

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

BBox = tuple[Number, Number, Number, Number]
"""Left, top, right, bottom in pixels."""


class Part(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A piece of a message; unknown fields are ignored, missing ones are an error.

    Values without cycles: the collector need not look at them (`gc=False`).
    """


class Message(Part, frozen=True, kw_only=True, rename="camel", gc=False):
    """A whole message on a topic."""

    schema_version: Annotated[int, msgspec.Meta(ge=1)] = SCHEMA_VERSION
