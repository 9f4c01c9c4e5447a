"""``python -m inference_http``: the same as the command ``inference-http``."""

import sys

from inference_http.cli import main

sys.exit(main())
