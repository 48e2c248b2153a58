"""Serves a comparison to a browser on this machine, and to nobody else.

All that can be asked for is in memory, under a path that only this program and its browser know;
nothing is read from the disk while serving.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

from codec.pages.view.comparison import Comparison
from codec.terminal import escaped

ADDRESS = "127.0.0.1"
PAGES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ViewServer(ThreadingHTTPServer):
    """Serves one comparison until it is shut down; its port is any free one.

    Attributes:
        url: where the page is.
        contents: what can be asked for: path -> (media type, bytes).
    """

    daemon_threads = True

    def __init__(self, comparison: Comparison, name: str) -> None:
        super().__init__((ADDRESS, 0), _Handler)
        folder = f"/{secrets.token_urlsafe(12)}/"
        self.url = f"http://{ADDRESS}:{self.server_port}{folder}"
        self.contents = {
            folder + path: content for path, content in _contents(comparison, name).items()
        }


class _Handler(BaseHTTPRequestHandler):
    """Answers from the contents of its server."""

    server: ViewServer
    server_version = "nncodec"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers a request."""
        # A page of another site that has its name point here would send that name.
        if self.headers.get("Host") != f"{ADDRESS}:{self.server.server_port}":
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        if self.path not in self.server.contents:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        media_type, body = self.server.contents[self.path]
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for header, value in HEADERS.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: requests are of no interest."""


def _contents(comparison: Comparison, name: str) -> dict[str, tuple[str, bytes]]:
    """All that the page is made of: path -> (media type, bytes)."""
    facts = asdict(comparison.info) | {
        "name": escaped(name),
        "width": comparison.width,
        "height": comparison.height,
        "parts": comparison.parts,
        "remark": comparison.remark,
        "variants": [
            {"key": v.key, "title": v.title, "psnr_db": _finite(v.psnr_db)}
            for v in comparison.variants
        ],
    }
    contents = {"facts.json": ("application/json", json.dumps(facts).encode())}
    for path, (file, media_type) in PAGES.items():
        contents[path] = (media_type, files(__package__).joinpath(file).read_bytes())
    for variant in comparison.variants:
        contents[f"{variant.key}.png"] = ("image/png", variant.png)
    return contents


def _finite(psnr_db: float | None) -> float | str | None:
    """JSON has no infinity: the PSNR of equal pictures is a word."""
    return "equal" if psnr_db is not None and math.isinf(psnr_db) else psnr_db
