"""The vocabulary of the package and its ports: no YAML, no Prefect, no input or output."""
