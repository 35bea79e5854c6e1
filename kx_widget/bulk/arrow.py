"""pyarrow, or a sentence that says how to get it."""

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.fs as fs
    import pyarrow.parquet as pq
except ImportError as error:
    raise ImportError("A store of explanations needs pyarrow: pip install 'kx-widget[store]'.") from error

__all__ = ["ds", "fs", "pa", "pc", "pq"]
