"""The request as it came: method, query, headers, bytes; the response as you build it.

Serve it:  inference-http --entry_script score.py
Ask it:    printf 'a,b\n1,2\n3,4\n' | curl http://127.0.0.1:5001/score -H 'Content-Type: text/csv' --data-binary @-
           curl 'http://127.0.0.1:5001/score?column=a'
"""

import csv
import io

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    """Nothing to load here."""


@rawhttp
def run(request: AMLRequest):
    """Answer the mean of each column of a CSV upload."""
    if request.method == "GET":
        return AMLResponse({"usage": "POST a CSV file with a header line"}, 200, json_str=True)
    if request.mimetype != "text/csv":
        return AMLResponse({"message": f"expected text/csv, got {request.mimetype or 'nothing'}"}, 415, json_str=True)
    rows = list(csv.DictReader(io.StringIO(request.get_data(as_text=True))))
    if not rows:
        return AMLResponse({"message": "the file has no rows"}, 400, json_str=True)
    means = {column: sum(float(row[column]) for row in rows) / len(rows) for column in rows[0]}
    return AMLResponse(means, 200, {"X-Row-Count": str(len(rows))}, json_str=True)
