"""Commands in containers: one for all children of a directory, through the Docker API (Podman's is the same)."""
