"""run() returns the AMLResponse that the request's body names."""

from azureml.contrib.services.aml_response import AMLResponse


def mutated():
    response = AMLResponse("x", 200)
    response.set_data("changed")
    response.headers["X-Later"] = "1"
    response.status_code = 226
    return response


MADE = {
    "none": lambda: AMLResponse(None, 200),
    "none-json": lambda: AMLResponse(None, 200, json_str=True),
    "text": lambda: AMLResponse("text", 200),
    "bytes": lambda: AMLResponse(b"\x00\xff", 200),
    "json": lambda: AMLResponse({"a": [1, None]}, 200, json_str=True),
    "json-text": lambda: AMLResponse("text", 200, {}, True),
    "list": lambda: AMLResponse(["a", "b"], 200),
    "dict": lambda: AMLResponse({"key": 1, "other": 2}, 200),
    "intbody": lambda: AMLResponse(5, 200),
    "hdr": lambda: AMLResponse("x", 200, {"X-One": "1", "x-two": "2"}),
    "hdrcomma": lambda: AMLResponse("x", 200, {"X-Many": "a, b,c"}),
    "hdrcookie": lambda: AMLResponse("x", 200, {"Set-Cookie": "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}),
    "hdrint": lambda: AMLResponse("x", 200, {"X-Number": 1}),
    "hdrnewline": lambda: AMLResponse("x", 200, {"X-Line": "a\r\nX-Injected: 1"}),
    "hdrunicode": lambda: AMLResponse("x", 200, {"X-Latin": "é"}),
    "ct": lambda: AMLResponse("<a/>", 200, {"Content-Type": "application/xml"}),
    "ctlower": lambda: AMLResponse("<a/>", 200, {"content-type": "application/xml"}),
    "ctjson": lambda: AMLResponse({"a": 1}, 200, {"Content-Type": "application/vnd.x+json"}, json_str=True),
    "rid": lambda: AMLResponse("x", 200, {"x-request-id": "mine", "x-ms-request-id": "mine"}),
    "ver": lambda: AMLResponse("x", 200, {"x-ms-server-version": "mine", "TraceId": "mine"}),
    "exec": lambda: AMLResponse("x", 200, {"x-ms-run-fn-exec-ms": "mine"}),
    "failed": lambda: AMLResponse("x", 200, run_function_failed=True),
    "failedheader": lambda: AMLResponse("x", 200, {"x-ms-run-function-failed": "perhaps"}),
    "500": lambda: AMLResponse("x", 500),
    "500said": lambda: AMLResponse("x", 502, run_function_failed=False),
    "404": lambda: AMLResponse({"why": "gone"}, 404, json_str=True),
    "333": lambda: AMLResponse("x", 333),
    "statustext": lambda: AMLResponse("x", "201 Text"),
    "204": lambda: AMLResponse("", 204),
    "204body": lambda: AMLResponse("gone", 204),
    "unserial": lambda: AMLResponse({1, 2}, 200, json_str=True),
    "mutated": mutated,
    "positional": lambda: AMLResponse("x", 202, {"X-A": "1"}, False, True),
    "length": lambda: AMLResponse("abc", 200, {"Content-Length": "3"}),
}


def init():
    pass


def run(name):
    return MADE[name]()
