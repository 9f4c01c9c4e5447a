"""What a deployment runs in: its Python (``prepare``) and its files (``materials.lay_out``)."""
