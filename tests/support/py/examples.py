# SPDX-License-Identifier: MIT
"""The examples in conf/."""

import re

from daemon import ROOT


def example_text(path, changes=()):
    """The text of conf/`path`, in which the texts of `changes` (old, new) have been replaced, wherever they
    are; each must be there."""
    with open(f"{ROOT}/conf/{path}", encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        assert old in text, f"{path} does not have {old!r}"
        text = text.replace(old, new)
    return text


def readme_site():
    """The site of nginx's in README.md."""
    with open(f"{ROOT}/README.md", encoding="utf-8") as readme:
        return re.search(r"^    upstream .*?^    server .*?^    }\n", readme.read(), re.M | re.S)[0]
