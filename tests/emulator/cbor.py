"""Lets a client that speaks RPC v2 CBOR ask the emulator, which speaks JSON.

AWS's SDK for Rust speaks CBOR with CloudWatch, as AWS does; the emulator has no such paths. This translates between the
two and touches nothing else: the operation from the path into a header, and bodies value by value.
"""

import io
import json
import re
import struct

PATH = re.compile(r"^/service/(?P<service>\w+)/operation/(?P<operation>\w+)$")
# Numbers that CBOR must mark as times.
TIME = re.compile(r"(Timestamp|Timestamps|Time)$")


def read(stream: io.BytesIO):
    """One value; `StopIteration` at the end of what has no length."""
    first = stream.read(1)[0]
    major, info = first >> 5, first & 31
    if first == 0xFF:
        raise StopIteration
    if major == 7:
        if info in (25, 26, 27):
            return struct.unpack(">" + {25: "e", 26: "f", 27: "d"}[info], stream.read(1 << (info - 24)))[0]
        return {20: False, 21: True}.get(info)
    size = info if info < 24 else None
    if 24 <= info <= 27:
        size = int.from_bytes(stream.read(1 << (info - 24)), "big")
    if major == 0:
        return size
    if major == 1:
        return -1 - size
    if major in (2, 3):
        data = b"".join(pieces(stream)) if size is None else stream.read(size)
        return data.decode() if major == 3 and isinstance(data, bytes) else data
    if major == 4:
        return list(items(stream, size))
    if major == 5:
        return {key: read(stream) for key in items(stream, size)}
    return read(stream)  # a tag says what the value behind it means


def items(stream: io.BytesIO, size: int | None):
    count = 0
    while size is None or count < size:
        try:
            yield read(stream)
        except StopIteration:
            return
        count += 1


def pieces(stream: io.BytesIO):
    return (piece.encode() if isinstance(piece, str) else piece for piece in items(stream, None))


def head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes([major << 5 | size])
    width = next(width for width in range(4) if size < 1 << (8 << width))
    return bytes([major << 5 | 24 + width]) + size.to_bytes(1 << width, "big")


def write(value, time: bool = False) -> bytes:
    if value is None or isinstance(value, bool):
        return bytes([{None: 0xF6, False: 0xF4, True: 0xF5}[value]])
    if isinstance(value, (int, float)) and time:
        return head(6, 1) + b"\xfb" + struct.pack(">d", value)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return head(3, len(data)) + data
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(write(item, time) for item in value)
    fields = {key: inner for key, inner in value.items() if inner is not None}
    written = (write(key) + write(inner, bool(TIME.search(key))) for key, inner in fields.items())
    return head(5, len(fields)) + b"".join(written)


class Translated:
    """The emulator's application, which is asked in JSON whatever it is asked in."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        asked = PATH.match(environ.get("PATH_INFO", ""))
        if not asked or environ.get("HTTP_SMITHY_PROTOCOL") != "rpc-v2-cbor":
            return self.application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        given = environ["wsgi.input"].read(length)
        body = json.dumps(read(io.BytesIO(given)) if given else {}).encode()
        environ = {
            **environ,
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_X_AMZ_TARGET": f"{asked['service']}.{asked['operation']}",
            "wsgi.input": io.BytesIO(body),
        }
        del environ["HTTP_SMITHY_PROTOCOL"]
        answered: dict = {}

        def begin(status, headers, *_):
            answered.update(status=status, headers=headers)

        told = b"".join(self.application(environ, begin))
        data = write(json.loads(told) if told.strip() else {})
        kept = [each for each in answered["headers"] if each[0].lower() not in ("content-type", "content-length")]
        own = [
            ("Content-Type", "application/cbor"),
            ("Content-Length", str(len(data))),
            ("Smithy-Protocol", "rpc-v2-cbor"),
        ]
        start_response(answered["status"], kept + own)
        return [data]
