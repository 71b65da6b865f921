"""What the client's health allows: which safety rules fire, what they cut, what has to be asked."""
