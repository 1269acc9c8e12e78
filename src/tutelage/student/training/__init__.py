"""Trains a student for one round."""
