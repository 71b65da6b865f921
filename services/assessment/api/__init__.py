"""The contract at the edge: parse, call, render."""
