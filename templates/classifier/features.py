"""From the flowers of a request to the table that the model was trained on."""

import numpy as np

MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")  # centimetres, in the order of training


def table(flowers):
    """Return one row for each flower, one column for each measurement."""
    return np.array([row(flower) for flower in flowers])


def row(flower):
    """Return the measurements of one flower in the order of training."""
    return [float(flower[name]) for name in MEASUREMENTS]
