"""Our server beside the reference server: the same scripts, the same requests, every difference named."""
