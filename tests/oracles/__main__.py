"""Asks other libraries about the case, and keeps their answers beside this file: `make oracles`.

Where one cannot be imported, its answers stay as they are. None of them is needed to run the tests.
"""

import importlib
import importlib.metadata

import numpy as np

from tests.oracles.case import FOLDER, case

LIBRARIES = ("xplique", "quantus")

if __name__ == "__main__":
    for library in LIBRARIES:
        try:
            answers = importlib.import_module(f"tests.oracles.ask_{library}").answers(case())
        except ImportError as error:
            print(f"{library}: {error}")
            continue
        version = importlib.metadata.version(library)
        np.savez_compressed(FOLDER / f"{library}.npz", version=np.array(version), **answers)
        print(f"{library} {version}: {', '.join(answers)}")
