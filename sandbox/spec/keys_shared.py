"""Keys that several kinds of files have in the same way."""

from sandbox.spec.record import Key
from sandbox.spec.values import Anything, Table, Text

DESCRIPTION = Key("description", Text(), "What it is for, in your words.", ours="Kept.")
TAGS = Key("tags", Table(Anything(), any_key=True), "Marks of your own.", ours="Kept.")
PROPERTIES = Key("properties", Table(Anything(), any_key=True), "Properties.", ours="Kept.")
ID = Key("id", Text(), "The ARM id, as `show` prints it.", ours="Ignored.", kept=False)
STATE = Key("provisioning_state", Text(), "As `show` prints it.", ours="Ignored.", kept=False)
CREATION = Key("creation_context", Anything(), "As `show` prints it.", ours="Ignored.", kept=False)
