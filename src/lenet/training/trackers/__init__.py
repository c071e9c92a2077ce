"""Trackers: programs that show many trainings beside each other, told of each while it runs."""
