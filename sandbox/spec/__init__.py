"""YAML of Azure ML v2 to the values of ``sandbox.model``, with every problem at its line and column.

``sandbox.spec.load`` is what others import. The way of a file: ``source`` (text), ``compose`` (nodes that know their
place), ``override`` (``--set``), ``keys_*`` (tables of keys, read by ``record`` and ``values``), the model's rules.
"""
