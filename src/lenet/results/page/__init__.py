"""Self-contained HTML pages: what stands in them, how it looks, and nothing from elsewhere."""
