"""A trained network on one page: how good it is, where it errs, how far it can be trusted."""
