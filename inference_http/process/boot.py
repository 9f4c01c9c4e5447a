"""The first file of a zygote's or worker's interpreter: sets the import path of its parent, then becomes MODULE.

    python boot.py MODULE HANDLES PATH ARGV

A file, and not ``-c``, so that a debugger takes the bottom frame for the server's and not for the user's code.
"""

import json
import sys

if __name__ == "__main__":
    module, handles, path, argv = sys.argv[1:]
    # A module run with -m, a console script and a checkout find this package in different ways.
    sys.path[:] = json.loads(path)
    from importlib import import_module

    import_module(f"inference_http.{module}").main(handles, json.loads(argv))
