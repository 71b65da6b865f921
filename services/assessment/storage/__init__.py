"""How an assessment is kept: versioned documents."""
