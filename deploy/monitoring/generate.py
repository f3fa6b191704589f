#!/usr/bin/env python3
"""Writes what follows from alerts.yaml and from the list of panels below: the PrometheusRule of deploy/kubernetes and
the Grafana dashboard.

    deploy/monitoring/generate.py            writes them
    deploy/monitoring/generate.py --check    writes nothing, and fails where they say something else

Standard library only.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RULE = HERE.parent / "kubernetes" / "monitoring" / "prometheusrule.yaml"
DASHBOARD = HERE / "dashboard.json"

# Colours of verdicts, the same in every panel: good, waiting, not known, bad.
GREEN, BLUE, ORANGE, RED, GREY = "green", "blue", "orange", "red", "text"
COVERAGE = {"proven": GREEN, "configured": "semi-dark-green", "pending": BLUE, "unknown": ORANGE, "broken": RED, "uncovered": GREY}


def stat(title, expr, *, description, steps, unit="none", width=4):
    """One number, coloured by its steps: (value from which, colour)."""
    thresholds = [{"color": colour, "value": value} for value, colour in steps]
    return {
        "type": "stat",
        "title": title,
        "description": description,
        "size": (width, 4),
        "targets": [{"expr": expr}],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "noValue": "0",
                "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": thresholds},
            },
            "overrides": [],
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"},
    }


def lines(title, *targets, description, unit="short", width=12, stacked=False, colours=None):
    """Lines over time: (query, legend)."""
    overrides = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in (colours or {}).items()
    ]
    custom = {"fillOpacity": 60 if stacked else 8, "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    return {
        "type": "timeseries",
        "title": title,
        "description": description,
        "size": (width, 8),
        "targets": [{"expr": expr, "legendFormat": legend} for expr, legend in targets],
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": custom}, "overrides": overrides},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    }


# Which of several installations.
S = '{instance=~"$instance"}'


def of(coverage: str) -> str:
    """How many accounts have one of these coverages."""
    return 'sum(orgwatch_coverage_accounts{instance=~"$instance",coverage=~"%s"})' % coverage


PANELS = [
    stat(
        "Covered",
        f"{of('proven|configured')} / sum(orgwatch_coverage_accounts{S})",
        description="Accounts in which an IAM change would reach people, of all that are active.",
        unit="percentunit",
        steps=[(None, RED), (0.95, ORANGE), (1, GREEN)],
    ),
    stat(
        "Broken",
        of("broken"),
        description="Accounts whose alerts are known not to arrive.",
        steps=[(None, GREEN), (1, RED)],
    ),
    stat(
        "Not seen",
        of("unknown"),
        description="Accounts of which it is not known.",
        steps=[(None, GREEN), (1, ORANGE)],
    ),
    stat(
        "Central side",
        f"1 - min(orgwatch_central_in_sync{S})",
        description="0: as it should be. 1: it differs, and alerts of every account may be lost.",
        steps=[(None, GREEN), (1, RED)],
    ),
    stat(
        "Held changes",
        f"sum(orgwatch_holds{S})",
        description="Planned and not made, until their reason is gone or a person decides.",
        steps=[(None, GREEN), (1, ORANGE)],
    ),
    stat(
        "Oldest reading",
        f"max(orgwatch_oldest_observation_age_seconds{S})",
        description="How long ago the account was read that was read least lately. It rises when passes stand still.",
        unit="s",
        steps=[(None, GREEN), (3600, ORANGE), (5400, RED)],
    ),
    lines(
        "Coverage",
        (f"sum by (coverage) (orgwatch_coverage_accounts{S})", "{{coverage}}"),
        description="Active accounts by whether an IAM change in them would reach people.",
        stacked=True,
        colours=COVERAGE,
    ),
    lines(
        "Not in sync",
        (f"sum by (kind, verdict, reason) (orgwatch_drift{S})", "{{kind}} {{verdict}} {{reason}}"),
        description="Resources that differ now, by kind, verdict and reason.",
    ),
    lines(
        "Drift found and changes made, per hour",
        (f"sum by (kind) (increase(orgwatch_drift_found_total{S}[1h]))", "found: {{kind}}"),
        (f"sum by (kind, action) (increase(orgwatch_drift_repaired_total{S}[1h]))", "{{action}}: {{kind}}"),
        (f"sum by (kind, class) (increase(orgwatch_writes_failed_total{S}[1h]))", "failed: {{kind}} {{class}}"),
        description="Who changes what orgwatch keeps, and what it does about it.",
    ),
    lines(
        "Remarks",
        (f"sum by (reason) (orgwatch_notes{S})", "{{reason}}"),
        description="What waits for a person without being drift, such as subscriptions that nobody has confirmed.",
    ),
    lines(
        "Passes",
        (f"histogram_quantile(0.5, sum by (le) (rate(orgwatch_pass_duration_seconds_bucket{S}[15m])))", "half take less than"),
        (f"histogram_quantile(0.99, sum by (le) (rate(orgwatch_pass_duration_seconds_bucket{S}[15m])))", "99 % take less than"),
        description="How long it takes to look at one account in one Region, and to mend it if need be.",
        unit="s",
    ),
    lines(
        "Queue",
        (f"sum by (state) (orgwatch_queue_depth{S})", "{{state}}"),
        description="Accounts and Regions that are due, that wait for their time, and that are being looked at.",
    ),
    lines(
        "Calls to AWS",
        (f"sum by (service) (rate(orgwatch_aws_calls_total{S}[5m]))", "{{service}}"),
        description="Calls in a second, by service.",
        unit="reqps",
    ),
    lines(
        "Calls without success",
        (f"sum by (service, operation, class) (rate(orgwatch_aws_errors_total{S}[5m]))", "{{service}}:{{operation}} {{class}}"),
        description="By operation and class. Denied: a right is missing. Throttled: AWS asks for patience.",
        unit="reqps",
    ),
]


def dashboard() -> str:
    """The dashboard as Grafana imports it."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(PANELS, 1):
        panel = dict(panel)
        width, height = panel.pop("size")
        if x + width > 24:
            x, y, row = 0, y + row, 0
        row = max(row, height)
        targets = [{"refId": chr(65 + i), "datasource": source, **target} for i, target in enumerate(panel["targets"])]
        place = {"x": x, "y": y, "w": width, "h": height}
        panels.append({"id": number, "gridPos": place, "datasource": source, **panel, "targets": targets})
        x += width
    variables = [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "orgwatch",
            "type": "query",
            "datasource": source,
            "query": "label_values(orgwatch_build_info, instance)",
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]
    whole = {
        "uid": "orgwatch",
        "title": "orgwatch",
        "description": "Who is covered, what is wrong, what is done about it.",
        "tags": ["orgwatch", "aws"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables},
        "panels": panels,
    }
    return json.dumps(whole, indent=2) + "\n"


def rule() -> str:
    """The alerts as a resource of the Prometheus operator."""
    groups = (HERE / "alerts.yaml").read_text().partition("\ngroups:\n")[2]
    head = [
        "# Written by deploy/monitoring/generate.py from deploy/monitoring/alerts.yaml: change that.",
        "apiVersion: monitoring.coreos.com/v1",
        "kind: PrometheusRule",
        "metadata:",
        "  name: orgwatch",
        "spec:",
        "  groups:",
    ]
    return "\n".join(head + [f"  {line}".rstrip() for line in groups.splitlines()]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file says something else")
    check = parser.parse_args().check
    for path, text in ((RULE, rule()), (DASHBOARD, dashboard())):
        if path.exists() and path.read_text() == text:
            continue
        if check:
            print(f"{path} is not what it should be. Run: deploy/monitoring/generate.py", file=sys.stderr)
            return 1
        path.write_text(text)
        print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
