"""Lines of JSON as columns of text that say what the lines say: nothing is converted, rounded or dropped."""
