"""Several networks or recipes, each trained with several seeds, side by side."""
