"""The debugger: the session that outlives the workers, how a worker joins it, and how an editor starts one."""
