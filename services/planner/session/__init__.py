"""From a solution to a session that people recognise: steps with times, words and reasons, and what was left out."""
