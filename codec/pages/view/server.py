"""Serves pages to a browser on this machine, and to nobody else.

All that can be asked for lies under a path that only this program and its browser know.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

Reply = tuple[str, bytes]
"""Media type and bytes."""
Site = Callable[[str], Reply | None]
"""What is at a path, "" for the page itself; None for nothing."""

ADDRESS = "127.0.0.1"
HTML, CSS, SCRIPT, JSON, PNG = (
    "text/html; charset=utf-8",
    "text/css; charset=utf-8",
    "text/javascript; charset=utf-8",
    "application/json",
    "image/png",
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ViewServer(ThreadingHTTPServer):
    """Serves one site until it is shut down; its port is any free one.

    Attributes:
        url: where the page is.
        folder: the secret part of that address.
        site: what can be asked for.
    """

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        super().__init__((ADDRESS, 0), _Handler)
        self.folder = f"/{secrets.token_urlsafe(12)}/"
        self.url = f"http://{ADDRESS}:{self.server_port}{self.folder}"
        self.site = site


class _Handler(BaseHTTPRequestHandler):
    """Answers from the site of its server."""

    server: ViewServer
    server_version = "nncodec"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers a request."""
        # A page of another site that has its name point here would send that name.
        if self.headers.get("Host") != f"{ADDRESS}:{self.server.server_port}":
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        found = None
        if self.path.startswith(self.server.folder):
            found = self.server.site(self.path.removeprefix(self.server.folder))
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        media_type, body = found
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for header, value in HEADERS.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: requests are of no interest."""


def page(name: str) -> dict[str, Reply]:
    """A page, its style and its script, by the paths that it knows them under."""
    kinds = {"": ("html", HTML), f"{name}.css": ("css", CSS), f"{name}.js": ("js", SCRIPT)}
    room = files(__package__)
    return {
        path: (media_type, room.joinpath(f"{name}.{suffix}").read_bytes())
        for path, (suffix, media_type) in kinds.items()
    }
