# SPDX-License-Identifier: MIT
"""What conf/ has for Prometheus, checked by its own tool."""

import pytest

import promtool


def test_scrape_example():
    assert promtool.run("check", "config", "conf/prometheus/prometheus.yml") == ""


def test_alert_rules_are_valid():
    assert promtool.run("check", "rules", "conf/prometheus/p0f-lookupd.rules.yml") == ""


def test_alert_rules_fire_when_they_should():
    assert promtool.run("test", "rules", "tests/e2e/rules_test.yml") == ""


def test_each_alert_rule_is_tested():
    def alerts(path, key):
        with open(f"{promtool.ROOT}/{path}", encoding="utf-8") as file:
            return {line.split()[-1] for line in file if line.lstrip().startswith(f"- {key}:")}
    rules = alerts("conf/prometheus/p0f-lookupd.rules.yml", "alert")
    assert rules and rules == alerts("tests/e2e/rules_test.yml", "alertname")


GOOD = "# HELP a_seconds_total Time.\n# TYPE a_seconds_total counter\na_seconds_total 1.5\n"


@pytest.mark.parametrize("text", [
    GOOD.replace("1.5", "one"),
    GOOD.replace("_total", ""),
    GOOD.replace("a_seconds_total 1.5", "a_seconds_total{b=\"c} 1.5"),
    GOOD.split("\n", 1)[1],
    GOOD.replace("seconds", "milliseconds"),
], ids=["number", "total", "quote", "help", "unit"])
def test_bad_metrics_are_found(text):
    promtool.check_metrics(GOOD)
    with pytest.raises(AssertionError):
        promtool.check_metrics(text)
