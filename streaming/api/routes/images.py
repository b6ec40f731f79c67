"""Pictures by their reference."""

import re

from aiohttp import web

from streaming.api.envelope import Refused
from streaming.api.state import state_of

_REF = re.compile(r"[0-9a-f]{16,64}")


async def image(request: web.Request) -> web.Response:
    """The JPEG that a result's `frameUrl` or `cropUrl`, or an alert's `imageRef`, names."""
    ref = request.match_info["ref"]
    if not _REF.fullmatch(ref):
        raise Refused(404, "no such picture")
    jpeg = await state_of(request).images.get(ref)
    if jpeg is None:
        raise Refused(404, "this picture is gone; pictures are kept for minutes")
    return jpeg_response(jpeg, lasting=True)


def jpeg_response(jpeg: bytes, *, lasting: bool) -> web.Response:
    """A picture; `lasting` where its address names its content, so that it never changes."""
    caching = "private, max-age=300, immutable" if lasting else "no-store"
    return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": caching})


ROUTES = [web.get("/api/images/{ref}.jpg", image)]
