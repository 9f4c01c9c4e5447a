"""Images: the engine that has them, and how the image of a deployment is planned, built, sealed and listed."""
