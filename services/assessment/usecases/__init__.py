"""What can be done with assessments, one file per use case or a few closely related ones."""
