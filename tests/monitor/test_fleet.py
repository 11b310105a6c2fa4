"""A real Prometheus and two monitors on busy logs: the fleet's alert, with the rules as they are delivered."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.requires import need

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"


def test_the_rules_are_right_by_promtools_own_tests() -> None:
    need(shutil.which("promtool"), "promtool (Debian: prometheus)")
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "tapline.test.yml"]):
        done = subprocess.run(["promtool", *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_only_for_series_that_there_are() -> None:
    known = (DEPLOY / "tapline.rules.yml").read_text() + (
        DEPLOY.parents[1] / "monitor" / "output" / "prometheus.py"
    ).read_text()
    dashboard = json.loads((DEPLOY.parent / "grafana" / "tapline.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert asked
    for expression in asked:
        for name in expression.replace("(", " ").replace("{", " ").replace("[", " ").split():
            if "tapline_" in name and "=" not in name:
                stem = name.removesuffix("_total").removesuffix("_bucket").rstrip(",)")
                assert stem in known, expression
