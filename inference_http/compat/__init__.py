"""Import names that scoring scripts written for Azure Machine Learning use."""
