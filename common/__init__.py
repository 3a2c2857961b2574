"""What the stages share; it knows no stage."""

__version__ = "0.1.0"
