"""The command ndr-local: starts and stops the server, deploys to it, and shows executions and logs."""
