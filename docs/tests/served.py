"""The built site behind an address, as a host of project sites serves it."""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".ipynb": "application/json",
    ".wasm": "application/wasm",
    "": "application/octet-stream",
}
# Pages that the site does not have, by name. A tab in which requests are answered by the test
# asks for every file anew and in a slower way, so that they are served from here.
MADE: dict[str, str] = {}


class Handler(SimpleHTTPRequestHandler):
    """Serves the site below a path and nothing beside it, as hosts of project sites do."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, prefix: str, **keywords: Any) -> None:
        self.prefix = prefix
        super().__init__(*arguments, **keywords)

    def send_head(self) -> Any:
        if not self.path.startswith(self.prefix):
            self.send_error(404, f"outside of {self.prefix}")
            return None
        made = MADE.get(self.path.removeprefix(self.prefix))
        if made is None:
            return super().send_head()
        content = made.encode()
        self.send_response(200)
        self.send_header("Content-Type", TYPES[".html"])
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        return io.BytesIO(content)

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.removeprefix(self.prefix))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A browser that goes away in the middle of an answer is not an error."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(site: Path, prefix: str) -> Iterator[str]:
    httpd = Server(("127.0.0.1", 0), partial(Handler, directory=str(site), prefix=prefix))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}{prefix}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()
