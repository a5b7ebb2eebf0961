"""Objects that land in buckets, and the runs that they start: each version of each object once."""
