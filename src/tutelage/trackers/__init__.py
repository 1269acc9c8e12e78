"""Experiment trackers that follow a run: TensorBoard, Trackio, MLflow and Weights & Biases.

A tracker is told what stands in the run's files (steps.jsonl, result.json, mistakes.jsonl, feedback.jsonl), from a
thread of its own. So nothing is computed twice, training knows nothing of it, and what could not be told can be told
later.
"""
