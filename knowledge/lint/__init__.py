"""The linter: whether the knowledge makes sense. One module is one rule; `registry` lists them."""
