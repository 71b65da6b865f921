"""What tests of several parts share: real servers, keys and tokens."""
