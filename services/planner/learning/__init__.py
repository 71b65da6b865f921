"""Learning mode: what a person would do beside what the planner proposes and what a licensed person approved."""
