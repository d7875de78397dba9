"""The embedded backend: one SQLite file and one folder of objects for each region, one SQLite file for the authority."""
