"""Import names that scoring scripts written for Azure Machine Learning use.

``install()`` makes them importable, in every import form, whether Microsoft's packages are installed or not:

- ``azureml.contrib.services.aml_request`` (AMLRequest, rawhttp) and ``...aml_response`` (AMLResponse)
- ``azureml_inference_server_http`` (``__version__``), ``.api.aml_request``, ``.api.aml_response``
- ``azureml_inference_server_http.log_config`` (AMLLogFormatter, RootAccessFilter)
"""

from inference_http.compat.names import install
from inference_http.compat.version import API_VERSION

__all__ = ["API_VERSION", "install"]
