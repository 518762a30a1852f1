"""What `grade.py` and `variant.py` are made of: the exercises' rubrics, and how a file is run."""
