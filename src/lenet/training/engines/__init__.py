"""Engines: what makes the steps of a training, by PyTorch or by the compiled kernels."""
