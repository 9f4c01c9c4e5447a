"""run() asks for the request's headers."""


def init():
    pass


def run(data, request_headers):
    kept = {name: value for name, value in request_headers.items() if name not in {"Content-Length", "Content-Type"}}
    return {"type": type(request_headers).__name__, "headers": dict(sorted(kept.items())), "data": data}
