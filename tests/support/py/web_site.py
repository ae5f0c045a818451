# SPDX-License-Identifier: MIT
"""A web site on a loopback port, for as long as it is entered as a context."""

import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers requests without logging them."""

    def log_message(self, *_):
        pass


class WebSite:
    def __init__(self, handler):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01},
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
