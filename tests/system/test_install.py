# SPDX-License-Identifier: MIT
"""What the packages bring, and what they leave behind."""


def test_nothing_starts_before_it_is_told_to(system):
    for unit in ("p0f.service", "p0f-lookupd.service"):
        assert system.show(unit, "ActiveState") == "inactive"
        assert system.systemctl("is-enabled", unit, check=False).stdout == "disabled\n"
    assert system.systemctl("--failed", "--quiet").stdout == ""
