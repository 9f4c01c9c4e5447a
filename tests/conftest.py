"""What holds for all tests."""

import signal


def pytest_configure():
    # A shell that starts us with "&" lets its children ignore Ctrl-C, and theirs too: tests that press it would wait.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
