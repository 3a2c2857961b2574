"""From predictions to alerts: techniques, incidents, and suppression."""
