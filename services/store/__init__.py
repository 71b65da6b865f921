"""The record store of both services: durable, chained, revisioned records. It knows nothing of what it keeps."""
