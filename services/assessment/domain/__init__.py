"""What an assessment is and what its findings mean: frozen values and pure functions."""
