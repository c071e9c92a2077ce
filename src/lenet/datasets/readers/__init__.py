"""The formats in which datasets of one's own come."""
