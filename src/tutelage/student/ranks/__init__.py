"""Several processes as one run: rank 0 leads, the others compute for it. torch.distributed is imported here alone."""
