"""What an account can lack of what auditors ask for: the names that `plant.py` takes."""

GAPS = [
    "none",
    "no-trail",
    "one-region",
    "stopped",
    "no-log-group",
    "wrong-pattern",
    "wider-pattern",
    "many-filters",
    "no-filter",
    "no-alarm",
    "alarm-disabled",
    "no-actions",
    "nobody-subscribed",
]
