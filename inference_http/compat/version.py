"""Which release of azureml-inference-server-http this server does the same as."""

from typing import Final

API_VERSION: Final = "1.5.1"  # what a script reads as azureml_inference_server_http.__version__ (S92)
