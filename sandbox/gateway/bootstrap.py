"""The only configuration that Envoy is started with: where its other files are, and how it counts. Pure."""

from sandbox.gateway.listeners import from_file
from sandbox.gateway.words import Json

HISTOGRAM_MS = (
    *(0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75),
    *(100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10000, 60000),
)
# Two keys of 512 characters in one expression; Envoy's own limit of 100 is made for expressions of strangers.
REGEX = {"error_level": 16384, "warn_level": 16384}

STATS: Json = {
    "stats_tags": [
        {"tag_name": "endpoint", "regex": r"^cluster\.(([^~.]+)~)"},
        {"tag_name": "deployment", "regex": r"^cluster\.(?:[^~.]+~)((\w[\w-]*))(?:~mirror)?\."},
        {"tag_name": "mirror", "regex": r"^cluster\.[^.]*?(~(mirror))\."},
    ],
    "histogram_bucket_settings": [
        {"match": {"suffix": "upstream_rq_time"}, "buckets": [float(bound) for bound in HISTOGRAM_MS]}
    ],
}


def bootstrap(folder: str) -> Json:
    """Return the bootstrap of the gateway whose files lie in ``folder``. The admin socket is for its owner only."""
    return {
        "node": {"id": "sandbox", "cluster": "sandbox"},
        "admin": {"address": {"pipe": {"path": f"{folder}/admin.sock", "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": from_file(f"{folder}/lds.json"),
            "cds_config": from_file(f"{folder}/cds.json"),
        },
        "layered_runtime": {"layers": [{"name": "limits", "static_layer": {"re2.max_program_size": REGEX}}]},
        "stats_flush_interval": "1s",  # histograms are as old as the last flush
        "stats_config": STATS,
    }
