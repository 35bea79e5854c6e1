"""Asks other libraries about the case, and keeps their answers beside this file: `make oracles`.

python -m tests.oracles xplique|quantus|torchcam|captum|medicai …

None of them is needed to run the tests.
"""

import importlib
import importlib.metadata
import sys

import numpy as np

from tests.oracles.case import FOLDER, case

if __name__ == "__main__":
    for library in sys.argv[1:]:
        answers = importlib.import_module(f"tests.oracles.ask_{library}").answers(case())
        version = importlib.metadata.version(library)
        np.savez_compressed(FOLDER / f"{library}.npz", version=np.array(version), **answers)
        print(f"{library} {version}: {', '.join(answers)}")
