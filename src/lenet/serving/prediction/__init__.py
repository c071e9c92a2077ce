"""Answers for pictures of one's own: what they are, how sure that is, and what the network saw."""
