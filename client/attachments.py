"""Files that go with a question, as the request's body carries them."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

from streamchat.client.frames import Frame

UNKNOWN_TYPE = "application/octet-stream"


def attachment(path: Path) -> Frame:
    """One file as the wire wants it; OSError when it cannot be read. What may be attached is the server's to say."""
    content = base64.b64encode(path.read_bytes()).decode()
    media_type = mimetypes.guess_type(path.name)[0] or UNKNOWN_TYPE
    return {"media_type": media_type, "name": path.name, "content": content}
