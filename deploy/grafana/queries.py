"""PromQL as our panels need it. Every function gives an expression; ``labels`` narrow it down in PromQL's own words.

``$instance`` is the dashboard's choice of servers, ``$__rate_interval`` the shortest span in which Grafana is sure of
several scrapes.
"""

from __future__ import annotations

SERVERS = 'instance=~"$instance"'
OUR_PROCESSES = f'job="streamchat",{SERVERS}'
CHAT_DOORS = 'door=~"basic|advanced|smart|chat|openai|ui_messages"'


def series(name: str, *labels: str) -> str:
    """The metric ``streamchat_<name>`` of the chosen servers."""
    return f"streamchat_{name}{{{','.join([SERVERS, *labels])}}}"


def rate(name: str, *labels: str, by: str = "") -> str:
    """Events a second of a counter, over all servers, by a label or labels."""
    return f"sum{_by(by)}(rate({series(name, *labels)}[$__rate_interval]))"


def quantile(share: float, name: str, *labels: str, by: str = "") -> str:
    """The value that ``share`` of a histogram's observations are not above."""
    by_bucket = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{name}_bucket', *labels, by=by_bucket)})"


def mean(name: str, *labels: str, by: str = "") -> str:
    """The mean of a histogram's observations."""
    return f"{rate(f'{name}_sum', *labels, by=by)} / {rate(f'{name}_count', *labels, by=by)}"


def buckets(name: str, *labels: str) -> str:
    """How many observations each bucket of a histogram took in a step of the graph."""
    return f"sum by (le) (increase({series(f'{name}_bucket', *labels)}[$__rate_interval]))"


def total(name: str, *labels: str) -> str:
    """The sum of a gauge over all servers."""
    return f"sum({series(name, *labels)})"


def share(part: str, whole: str) -> str:
    """``part`` of ``whole``; not a number while the whole is 0."""
    return f"{part} / {whole}"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""
