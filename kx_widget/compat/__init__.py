"""Interfaces of other libraries on this engine. Nothing else of the package imports them."""
