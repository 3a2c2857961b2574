"""What a day of a project takes and costs on AWS: a simulation of the state machines with published start times."""
