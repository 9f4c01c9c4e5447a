"""Our server alone, treated badly: it answers well-formed HTTP, shows nothing of itself, and goes on."""
