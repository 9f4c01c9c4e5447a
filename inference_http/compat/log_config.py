"""What a user's logging.json may name: ``azureml_inference_server_http.log_config.AMLLogFormatter`` (S92, S117)."""

from inference_http.telemetry.log_lines import LineFormatter as AMLLogFormatter
from inference_http.telemetry.log_lines import RootAccessFilter

__all__ = ["AMLLogFormatter", "RootAccessFilter"]
