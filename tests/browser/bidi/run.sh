#!/bin/sh
# Playwright starts one program as its browser: a module of ours that stands for one.
exec "$KX_PYTHON" -m "$KX_BROWSER" "$@"
