"""What readers are told of alerts and cases: in words, against what is usual, with names, users and sessions."""
