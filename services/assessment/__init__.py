"""The assessment service: records what was found in a client, keeps every revision, derives what the findings mean."""
