"""Train steps, whole runs, and evaluation."""
