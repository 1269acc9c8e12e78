"""Sampling engines: implementations of the Sampler protocol."""
