"""Digits, and what is none, drawn by seeded hands, fonts and displays."""
