"""Engines: what makes the steps of a training, by the compiled kernels, PyTorch or NumPy."""
