"""The garbage collector, kept from holding up keys: begun late, and spared what stays for ever."""

import gc

YOUNG = 10_000  # new objects after which it looks at those


def begin() -> None:
    """Collect nothing while modules are loaded and the first page is drawn."""
    gc.disable()


def settle() -> None:
    """Collect from now on; what there is now (modules, styles, pages) stays, and is not looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.enable()
