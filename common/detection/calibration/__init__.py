"""How rare a score is: among all training scores, and for one host."""
