# SPDX-License-Identifier: MIT
"""What the libmicrohttpd that the daemon is built with does by itself, where versions differ and the
daemon cannot make it the same."""

import subprocess


def _version():
    text = subprocess.run(["pkg-config", "--modversion", "libmicrohttpd"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return tuple(int(number) for number in text.split("."))


_REWRITTEN = _version() >= (1, 0)

# RFC 9112, 5.2: a field that goes on in a second line may be refused, or read as if there were blanks
# in place of the line break, of which the daemon then sees nothing.
JOINS_LINES = _REWRITTEN

# RFC 9110, 10.1.1: who expects to be told to go on, but announces no body, need not be told.
CONTINUES_WITHOUT_BODY = not _REWRITTEN
