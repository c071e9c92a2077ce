"""Searches over recipes and networks, on trials that several workers and machines may share."""
