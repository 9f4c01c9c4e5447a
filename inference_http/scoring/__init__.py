"""One scoring request, from its parts to an answer: arguments, result, time limits; no web framework."""
