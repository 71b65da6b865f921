"""The console: server-rendered pages for therapists, trainees and supervisors; a pure client of the services."""
