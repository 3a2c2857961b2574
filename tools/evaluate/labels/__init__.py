"""Labels as public data sets ship them, read into hosts and windows."""
