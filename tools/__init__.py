"""Commands for developers; nothing here runs in a service."""
