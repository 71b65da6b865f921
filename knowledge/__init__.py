"""The knowledge base: curated facts about muscles, pain, movement, techniques and safety, each with its source."""
