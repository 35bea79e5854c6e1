"""Asks other libraries about the case, and keeps their answers beside this file: `make oracles`.

python -m tests.oracles xplique|quantus|torchcam|captum|medicai …

Each is a module `ask_…` with a function `answers`; one whose name is not that of a distribution says it in
`DISTRIBUTION`. None of them is needed to run the tests.
"""

import importlib
import importlib.metadata
import sys

import numpy as np

from tests.oracles.case import FOLDER, case

if __name__ == "__main__":
    for name in sys.argv[1:]:
        asker = importlib.import_module(f"tests.oracles.ask_{name}")
        answers = asker.answers(case())
        version = importlib.metadata.version(getattr(asker, "DISTRIBUTION", name))
        np.savez_compressed(FOLDER / f"{name}.npz", version=np.array(version), **answers)
        print(f"{name} {version}: {', '.join(answers)}")
