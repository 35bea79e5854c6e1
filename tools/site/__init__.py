"""What `make docs` adds to MkDocs."""
