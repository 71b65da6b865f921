"""From candidates and demands to a problem in whole numbers: what can be done, at what cost, in what order."""
