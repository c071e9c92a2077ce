"""Packed sets: images that need not fit into memory."""
