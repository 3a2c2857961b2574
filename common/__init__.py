"""What the stages share; it knows no stage."""
