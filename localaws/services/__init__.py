"""The services that ministack lacks or gets wrong."""
