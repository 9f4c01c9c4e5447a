"""Models of MLflow without code of their own: what they need to be served as Azure serves them."""
