"""Task types that work with git repositories."""
