"""How plans are kept: as documents with a version, neither protos nor pickled objects."""
