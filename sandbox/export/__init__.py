"""An endpoint of sealed images as files for other people's tools: Compose, systemd, Kubernetes, Swarm.

Pure, but for ``write``.
"""
