"""Online endpoints on your own machine: the control plane behind the ``sandbox`` command."""
