"""A transition as programs elsewhere are told of it: one JSON document, and the same as environment variables.

The document is Alertmanager's webhook (version 4), so that its receivers understand it, with the fields of
``--output json``'s alert object on top. Knows nothing of how it is delivered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.engine.snapshot import AlertRecord, State, Transition
from monitor.output.jsonl import alert_object
from monitor.output.text import Times, safe

NAME = "TaplineTraffic"  # the label alertname
MAIN = "traffic"  # the rule of the short form: a name that stays when somebody changes the threshold
_STILL_ON = "0001-01-01T00:00:00Z"  # Go's zero time: Alertmanager's endsAt of a firing alert


@dataclass(frozen=True, slots=True)
class Notice:
    """One transition, ready to be delivered."""

    title: str  # for messages about its delivery
    body: bytes  # JSON, UTF-8
    variables: Mapping[str, str]  # TAPLINE_...


def make_notice(transition: Transition, record: AlertRecord, host: str, times: Times) -> Notice:
    """Build the notice. ``host`` is this machine's name."""
    alert = alert_object(transition, times)
    # By the transition, not by the record: where many lines are read at once, that knows the end at the beginning.
    firing = transition.state is State.RAISED
    status = "firing" if firing else "resolved"
    labels = {
        "alertname": NAME,
        "instance": host,
        "metric": transition.metric,
        "rule": transition.rule or MAIN,
        "severity": "warning",
    }
    annotations = {"summary": str(alert["message"])}
    document = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{NAME}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "tapline",
        "groupLabels": {"alertname": NAME},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": times.iso(record.raised.at),
                "endsAt": _STILL_ON if firing or record.recovered is None else times.iso(record.recovered.at),
                "generatorURL": "",
                "fingerprint": _fingerprint(labels),
            }
        ],
        **alert,
    }
    variables = {f"TAPLINE_{key.upper()}": safe(str(value)) for key, value in alert.items() if key != "type"}
    variables |= {
        "TAPLINE_RULE": safe(labels["rule"]),
        "TAPLINE_METRIC": transition.metric,
        "TAPLINE_WINDOW": str(transition.window),
    }
    title = f"{transition.state.value} at {times.full(transition.at)}"
    return Notice(title, json.dumps(document).encode(), variables)


def _fingerprint(labels: Mapping[str, str]) -> str:
    """The same for the same labels, as Alertmanager's, by which receivers match an alert's end to its beginning."""
    import hashlib  # here: it loads OpenSSL, and few runs have someone to notify

    text = "\xff".join(part for label in sorted(labels.items()) for part in label)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
