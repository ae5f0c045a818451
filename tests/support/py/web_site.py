# SPDX-License-Identifier: MIT
"""Sites that are served for as long as they are entered as a context."""

import http.server
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers requests without logging them."""

    def log_message(self, *_):
        pass


class Site:
    """Of any server of socketserver's."""

    def __init__(self, server):
        self._server = server

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01},
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 200        # of connections that come at once

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):      # clients may go whenever they like
            super().handle_error(request, client_address)


class WebSite(Site):
    """On a loopback port."""

    def __init__(self, handler):
        super().__init__(_Server(("127.0.0.1", 0), handler))
        self.port = self._server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
