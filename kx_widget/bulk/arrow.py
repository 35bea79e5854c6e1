"""pyarrow, or a sentence that says how to get it."""

from kx_widget.engine.errors import MissingPackageError
from kx_widget.install import how_to_install

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.fs as fs
    import pyarrow.parquet as pq
except ImportError as error:
    raise MissingPackageError(f"A store of explanations needs pyarrow: {how_to_install('store')}.") from error

__all__ = ["ds", "fs", "pa", "pc", "pq"]
