"""Step Functions as AWS runs it: mends of ministack's interpreter, each in a module of its own."""
