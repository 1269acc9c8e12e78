"""The engines of the Sampler protocol."""
