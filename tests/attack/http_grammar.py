"""A grammar of HTTP: requests that are valid, nearly valid and hostile, by a random generator."""

import base64
import json
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

KEY = "a key"


@dataclass(frozen=True)
class Message:
    """A request as it is sent.

    Attributes:
        data: All of it.
        is_head: Whether its answer has no body, although it tells the length of one.
        expected: What a good one is answered with; `None` where anything well-formed will do.
    """

    data: bytes
    is_head: bool = False
    expected: list[dict[str, Any]] | None = None


class Grammar:
    """Makes messages; all that is random comes from its generator."""

    def __init__(self, random: Random, good: list[Message], pictures: list[bytes]) -> None:
        self.random, self.good, self.pictures = random, good, pictures

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def noise(self, most: int) -> bytes:
        return self.random.randbytes(self.random.randint(0, most))

    def connection(self) -> list[Message]:
        """What is sent over one connection; good ones stand first, hostile ones wherever."""
        messages = [self.random.choice(self.good) for _ in range(self.random.randint(0, 2))]
        messages += [self.any_message() for _ in range(self.random.randint(1, 4))]
        if self.chance(0.2):
            messages.append(self.random.choice(self.good))
        if self.chance(0.05):  # far ahead of their answers
            messages = [one for one in messages if not one.is_head] * 60 or messages
        # Which answer has no body is certain only of the last message.
        return [replace(one, is_head=False) for one in messages[:-1] if not one.is_head] + [
            messages[-1]
        ]

    def any_message(self) -> Message:
        kind, body = self.body()
        method = self.method(bool(body))
        lines = [b" ".join((method, self.target(), self.version()))]
        headers, framed = self.framed(body)
        headers += self.hosts()
        if self.chance(0.9):
            headers.append(b"X-API-Key: " + KEY.encode())
        if self.chance(0.9):
            headers.append(b"Content-Type: " + kind)
        headers += [self.header() for _ in range(self.random.randint(0, 3))]
        self.random.shuffle(headers)
        data = b"\r\n".join((*lines, *headers, b"", framed))
        if self.chance(0.25):
            data = self.damaged(data)
        return Message(data, is_head=method == b"HEAD")

    def method(self, has_body: bool) -> bytes:
        if self.chance(0.8):
            return b"POST" if has_body else b"GET"
        odd = (
            b"HEAD",
            b"OPTIONS",
            b"PUT",
            b"DELETE",
            b"TRACE",
            b"CONNECT",
            b"PRI",
            b"get",
            b"",
            b"G T",
        )
        return self.random.choice((*odd, b"A" * 5000, self.noise(8)))

    def target(self) -> bytes:
        paths = (b"/healthz", b"/v1/models", b"/v1/models/digits", b"/v1/models/digits/file")
        others = b"/metrics", b"/docs", b"/openapi.json", b"/none", b"/v1/models/none"
        path = b"/v1/predict" if self.chance(0.6) else self.random.choice(paths + others)
        if self.chance(0.3):
            path += b"?" + b"&".join(self.parameter() for _ in range(self.random.randint(0, 3)))
        if self.chance(0.85):
            return path
        odd = (
            b"",
            b"*",
            b"//" + path,
            b"/%2e%2e/%00",
            b"/../../etc/passwd",
            b"/v1/models/%ff%fe",
            b"/v1/models/..%2f..%2f/file",
            b"http://localhost" + path,
            b"http://example.org" + path,
            b"localhost:80",
            path + b"#part",
            path + b"/" * 300,
            path + b"%" + self.noise(3).hex().encode(),
            "/ä/日".encode(),
            b"/" + b"a" * self.random.choice((9000, 40_000, 70_000)),
            self.noise(20),
        )
        return self.random.choice(odd)

    def parameter(self) -> bytes:
        name = self.random.choice((b"top", b"threshold", b"many", b"image", b"model", b"x", b""))
        values = (
            b"1",
            b"0",
            b"-1",
            b"true",
            b"",
            b"digits",
            b"nan",
            b"1e999",
            b"9" * 400,
            b"%ff",
            b"%",
        )
        return name + b"=" + self.random.choice((*values, self.noise(6).hex().encode()))

    def version(self) -> bytes:
        if self.chance(0.9):
            return b"HTTP/1.1"
        return self.random.choice(
            (
                b"HTTP/1.0",
                b"HTTP/1.2",
                b"HTTP/2.0",
                b"HTTP/9.9",
                b"http/1.1",
                b"HTTP/1.1 x",
                b"",
                b"RTSP/1.0",
            )
        )

    def hosts(self) -> list[bytes]:
        if self.chance(0.85):
            return [b"Host: localhost"]
        odd = (
            b"",
            b"example.org",
            b"localhost:80@evil",
            b"[::1]evil",
            b"[::1]:80",
            b"local host",
            b"\xff",
        )
        return [b"Host: " + self.random.choice(odd) for _ in range(self.random.randint(0, 2))]

    def header(self) -> bytes:
        many = self.random.choice((10, 1000, 9000))
        plain = (
            b"Connection: close",
            b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA",
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
            b"Expect: 100-continue",
            b"Expect: 200-maybe",
            b"Origin: https://example.org",
            b"Origin: null\r\nAccess-Control-Request-Method: POST",
            b"If-None-Match: *",
            b"Range: bytes=0-" + b",0-" * 200,
            b"Accept-Encoding: gzip;q=1.0, identity; q=0.5",
            b"Cookie: " + b"a=b; " * 200,
            b"Authorization: Basic " + self.noise(20).hex().encode(),
            b"Authorization: Bearer " + self.noise(20).hex().encode(),
            b"Authorization: Negotiate",
            b"X-Forwarded-For: 127.0.0.1\r\nX-HTTP-Method-Override: DELETE",
            b"Content-Encoding: gzip",
        )
        odd = (
            b"no colon",
            b": no name",
            b"Space : before",
            b" folded: line",
            b"A: b\r\n  folded",
            b"A: b\nB: c",
            b"A: b\rB: c",
            b"A\0B: c",
            b"A: \0",
            b"A: \xff\xfe",
            b"\xc3\xa4: b",
            b"A:" + b"b" * self.random.choice((4000, 33_000, 100_000)),
            b"A" * self.random.choice((4000, 33_000)) + b": b",
            b"\r\n".join(b"A%d: b" % number for number in range(many)),
            self.noise(30),
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding:\x0bchunked",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: identity",
            b"Content-Length: 0",
            b"Content-Length: +5",
            b"Content-Length: 5, 5",
            b"Content-Length: -1",
            b"Content-Length: 0x5",
            b"Content-Length: " + b"9" * 30,
        )
        return self.random.choice(plain if self.chance(0.7) else odd)

    def framed(self, body: bytes) -> tuple[list[bytes], bytes]:
        """A body with what says how long it is, mostly truly."""
        if not body and self.chance(0.9):
            return [], b""
        if self.chance(0.6):
            length = len(body) if self.chance(0.9) else self.random.randint(0, 2 * len(body) + 1)
            return [b"Content-Length: %d" % length], body
        pieces = []
        most = max(1, len(body) // self.random.choice((1, 3, 20)))
        while body:
            piece = body[: self.random.randint(1, most)]
            body = body[len(piece) :]
            pieces.append(self.chunk(piece))
        last = (
            b"0\r\n"
            if self.chance(0.9)
            else self.random.choice((b"", b"00000\r\n", b"0;x\r\n", b"-0\r\n"))
        )
        trailers = b"".join(
            self.header() + b"\r\n" for _ in range(self.random.choice((0, 0, 0, 1, 3)))
        )
        return [b"Transfer-Encoding: chunked"], b"".join((*pieces, last, trailers, b"\r\n"))

    def chunk(self, piece: bytes) -> bytes:
        if self.chance(0.97):
            extension = b"" if self.chance(0.8) else b";" + self.noise(9).hex().encode()
            return b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
        odd = (
            b"%X\n%s\n" % (len(piece), piece),
            b"0x%x\r\n%s\r\n" % (len(piece), piece),
            b" %x \r\n%s\r\n" % (len(piece), piece),
            b"%x\r\n%s" % (len(piece), piece),
            b"%x\r\n%s\r\n" % (len(piece) + 1, piece),
            b"ffffffffffffffff\r\n" + piece,
            b"fffffffffffffffff\r\n" + piece,
            b"-1\r\n" + piece,
            b"%x;%s\r\n%s\r\n" % (len(piece), b"a" * 40_000, piece),
            self.noise(20),
        )
        return self.random.choice(odd)

    def body(self) -> tuple[bytes, bytes]:
        """A content type and what stands in the body, which mostly agree."""
        if self.chance(0.3):
            return b"text/plain", b""
        kind = self.random.choice(
            (b"image/png", b"application/json", b"multipart/form-data; boundary=x")
        )
        make = {b"image/png": self.picture, b"application/json": self.json}.get(kind, self.form)
        content = make()
        if self.chance(0.15):
            content = self.damaged(content)
        if self.chance(0.1):
            odd = (
                b"",
                b"text/html",
                b"image/\xff",
                b"multipart/form-data",
                b"multipart/form-data; boundary=",
            )
            kind = self.random.choice((*odd, b"application/json; charset=utf-16", b"a" * 500))
        return kind, content

    def picture(self) -> bytes:
        return self.random.choice(self.pictures)

    def json(self) -> bytes:
        if self.chance(0.5):
            values: Any = {
                "pictures": [
                    self.json_picture() for _ in range(self.random.choice((0, 1, 1, 2, 70)))
                ]
            }
            return json.dumps(values).encode(errors="replace")
        odd = (
            b"[" * 5000,
            b'{"pictures":' * 3000,
            b'{"pictures": [{"pixels": ' + b"[" * 60 + b"1" + b"]" * 60 + b"}]}",
            b'{"pictures": [{"pixels": [[' + b"9" * 5000 + b"]]}]}",
            b'{"pictures": [{"pixels": [[1e400, NaN, -Infinity]]}]}',
            b'{"pictures": [{"pixels": [[0.' + b"1" * 5000 + b"]]}]}",
            b'{"pictures": [{"base64": "' + b"\\ud800" * 10 + b'"}]}',
            b'{"pictures": [{"name": "\\ud800", "pixels": [[0, 255]]}]}',
            b'{"pictures": {}, "pictures": 1}',
            b'\xef\xbb\xbf{"pictures": []}',
            '{"pictures": []}'.encode("utf-16"),
            b"null",
            b'"',
            b"",
            b'{"pictures": [' + b"[1]," * 20_000,
            b'{"pictures": [' + b"{}," * 20_000 + b"{}]}",
        )
        return self.random.choice(odd)

    def json_picture(self) -> Any:
        content = base64.b64encode(self.picture()[:20_000]).decode()
        sides = [self.random.randint(0, 9) for _ in range(self.random.randint(0, 4))]
        numbers: Any = np.full(sides, self.random.choice((0, 7, 255, 256, -1, 0.5, 1e300))).tolist()
        known = {"base64": content, "pixels": numbers, "prepared": numbers, "name": "a"}
        odd = {
            "base64": None,
            "pixels": [[0], [0, 1]],
            "prepared": "x",
            "name": 3,
            "top": 1,
            "": [],
        }
        taken = self.random.sample(sorted(known), self.random.choice((0, 1, 1, 1, 2)))
        values = {name: known[name] for name in taken}
        if self.chance(0.3):
            values |= dict([self.random.choice(sorted(odd.items(), key=str))])
        return values if self.chance(0.95) else self.random.choice(([], None, 3, "x"))

    def form(self) -> bytes:
        lines = []
        for _ in range(self.random.choice((0, 1, 1, 2, 80))):
            name = self.random.choice(
                (b'name="picture"', b"name=a", b"", b'name="' + self.noise(9) + b'"')
            )
            file = b'; filename="a.png"' if self.chance(0.8) else b""
            extra = self.random.choice(
                (b"", b"", b"Content-Type: image/png\r\n", b"X: " + b"a" * 9000 + b"\r\n")
            )
            coded = b"Content-Transfer-Encoding: base64\r\n" if self.chance(0.1) else b""
            head = b"Content-Disposition: form-data; " + name + file + b"\r\n" + extra + coded
            lines.append(b"--x\r\n" + head + b"\r\n" + self.picture()[:2000] + b"\r\n")
        return b"".join(lines) + self.random.choice(
            (b"--x--\r\n", b"--x--\r\n", b"--x", b"", b"--y--")
        )

    def damaged(self, data: bytes) -> bytes:
        """The same with something taken out, put in, doubled or replaced."""
        if not data:
            return self.noise(50)
        start = self.random.randrange(len(data))
        end = min(len(data), start + self.random.choice((1, 1, 2, 20, 2000)))
        if self.chance(0.2):
            return data.replace(b"\r\n", self.random.choice((b"\n", b"\r", b"\r\r\n", b"\n\r")))
        middle = self.random.choice(
            (
                b"",
                b"\r\n",
                b"\0",
                b"\r\n\r\n",
                self.noise(5),
                data[start:end] * 2,
                b"\xff" * (end - start),
            )
        )
        rest = b"" if self.chance(0.1) else data[end:]
        return data[:start] + middle + rest

    def pieces(self, data: bytes) -> list[bytes]:
        """How it goes over the line: mostly at once."""
        if self.chance(0.7):
            return [data]
        most = self.random.choice((1, 7, 1000, 20_000))
        pieces: list[bytes] = []
        while data and len(pieces) < 60:
            pieces.append(data[: self.random.randint(1, most)])
            data = data[len(pieces[-1]) :]
        return [*pieces, data]


ENDLESS = (  # a beginning, and what is sent after it again and again
    (b"GET /", b"a" * 4096),
    (b"GET /healthz HTTP/1.1\r\n", b"A: b\r\n" * 700),
    (
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"A: b\r\n" * 700,
    ),
    (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"a" * 4096,
    ),
    (
        b"POST /none HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n" * 700,
    ),
    (b"POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n", b"a" * 4096),
    (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 90),
    (b"", b"\r\n" * 2048),
)
