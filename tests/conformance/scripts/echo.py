"""An undecorated run(): says what it was given."""


def init():
    pass


def run(raw_data):
    return {"type": type(raw_data).__name__, "data": raw_data}
