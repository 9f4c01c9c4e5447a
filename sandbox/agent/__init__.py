"""The optional loop: heals what has died, restarts what hangs. Correctness never needs it; it may be killed anytime."""
