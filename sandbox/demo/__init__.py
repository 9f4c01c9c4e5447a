"""``make demo``: an endpoint with two deployments of a real model, from training to clean-up."""
