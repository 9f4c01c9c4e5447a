"""@rawhttp: says what can be seen of the request, or does what the query's ``do`` names."""

import flask
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


def everything(request):
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode("latin-1"),
        "args": request.args.to_dict(flat=False),
        "form": request.form.to_dict(flat=False),
        "files": {
            name: [file.filename, file.content_type, file.read().decode()] for name, file in request.files.items()
        },
        "cookies": request.cookies.to_dict(flat=False),
        "mimetype": request.mimetype,
        "content_length": request.content_length,
        "headers": sorted(request.headers.to_wsgi_list()),
        "data": request.get_data().decode("latin-1"),
        "host": request.host,
        "url": request.url,
        "scheme": request.scheme,
        "remote": request.remote_addr,
        "is_json": request.is_json,
    }


def kinds(request):
    return {
        "type": type(request).__name__,
        "flask": isinstance(request, flask.Request),
        "aml": isinstance(request, AMLRequest),
        "same": request._get_current_object() is flask.request._get_current_object(),
        "endpoint is there": request.endpoint is not None,
        "subclass": issubclass(AMLRequest, flask.Request),
    }


def stream(request):
    return {"stream": request.stream.read().decode("latin-1")}


def once_more(request):
    return {"first": request.get_data().decode(), "again": request.get_data().decode(), "data": request.data.decode()}


def as_json(request):
    return {"json": request.json}


def quiet_json(request):
    return {"json": request.get_json(silent=True), "forced": request.get_json(force=True, silent=True)}


def response(request):
    return AMLResponse({"got": request.get_data().decode()}, 201, {"X-Mine": "1"}, json_str=True)


def in_thread(request):
    import threading

    said = []

    def look():
        try:
            said.append(request.method)
        except RuntimeError as error:
            said.append(type(error).__name__)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return said


def flask_globals(request):
    flask.g.mine = 1
    return {"g": flask.g.mine, "app": flask.current_app is not None, "url": flask.request.path}


@rawhttp
def run(request):
    chosen = {
        "kinds": kinds,
        "stream": stream,
        "once_more": once_more,
        "json": as_json,
        "quiet_json": quiet_json,
        "response": response,
        "thread": in_thread,
        "globals": flask_globals,
    }
    return chosen.get(request.args.get("do"), everything)(request)
