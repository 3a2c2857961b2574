"""ministack with the services of this project hooked in."""
