# SPDX-License-Identifier: MIT
"""A headless Chromium, and a site whose page asks for other sites' URLs and tells what it could read."""

import html
import json
import os
import queue
import shutil
import signal
import subprocess

import web_site
from waiting import wait_until

# A browser is started, and has to load a page: only to fail instead of hanging.
BOUND = 60

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>A page</title>
<script>
async function ask(url, options) {
    try {
        const response = await fetch(url, options);
        return {status: response.status, headers: Object.fromEntries(response.headers),
                body: await response.text()};
    } catch (error) {
        return {error: error.name};
    }
}
(async () => {
    const told = [];
    for (const [url, options] of %s)
        told.push(await ask(url, options));
    await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script>
"""


def find():
    """The browser's program."""
    for name in ("chromium-headless-shell", "chromium"):
        if shutil.which(name):
            return name
    raise AssertionError("there is no chromium-headless-shell: make check-deps")


def _launch(directory, output, *arguments):
    return subprocess.Popen(
        [find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--no-first-run", "--no-proxy-server",
         f"--user-data-dir={directory}/browser", *arguments],
        stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        env={**os.environ, "HOME": str(directory)})


def _end(process):
    """It is many processes behind a script, but all in one group; none may outlive the test."""
    def gone():
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        return False
    if gone():
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        wait_until(gone, "the browser to end")
    except AssertionError:
        os.killpg(process.pid, signal.SIGKILL)
        wait_until(gone, "the browser to be killed")


def read_page(directory, url, name):
    """What a browser shows for a URL in which `name` resolves to this machine."""
    output = os.path.join(directory, "browser.out")
    with open(output, "wb") as out:
        process = _launch(directory, out, f"--host-resolver-rules=MAP {name} 127.0.0.1", "--dump-dom", url)
    try:
        process.wait(BOUND)
    finally:
        _end(process)
    with open(output, encoding="utf-8", errors="replace") as out:
        return html.unescape(out.read())


class Site(web_site.WebSite):
    """A site of its own origin."""

    def __init__(self):
        site = self

        class Handler(web_site.Handler):
            def do_GET(self):
                body = site.page.encode() if self.path == "/" else b""
                self._answer(200 if body else 404, body)

            def do_POST(self):
                site.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(204, b"")

            def _answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.page = ""
        self.told = queue.Queue()
        super().__init__(Handler)

    def open(self, directory, requests):
        """What a script in a page of this site gets for each (URL, options of fetch): a dict with
        status, headers and body, or with the error it ran into."""
        self.page = PAGE % json.dumps(requests)
        output = os.path.join(directory, "browser.out")
        with open(output, "wb") as out:
            process = _launch(directory, out, "--remote-debugging-port=0", f"{self.origin}/")
        try:
            return self.told.get(timeout=BOUND)
        except queue.Empty:
            with open(output, encoding="utf-8", errors="replace") as out:
                raise AssertionError(f"the page told nothing in {BOUND} s:\n{out.read()}") from None
        finally:
            _end(process)
