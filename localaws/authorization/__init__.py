"""Who may do what: the policies of roles (`policies`), and the processes that work with a role (`sessions`)."""
