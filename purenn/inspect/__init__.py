"""What shows and checks a backward pass: `explain`, `summary`, `check_gradients`, `compare`."""
