"""run() tries the import statement it is sent."""


def init():
    pass


def run(statement):
    names = {}
    try:
        exec(statement, names)
    except BaseException as error:
        return {"error": type(error).__name__, "text": str(error)}
    names.pop("__builtins__")
    return {name: f"{type(value).__name__} {getattr(value, '__name__', '')}" for name, value in sorted(names.items())}
