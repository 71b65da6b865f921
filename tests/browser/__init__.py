"""The console in a real browser, over real services on a real Redis."""
