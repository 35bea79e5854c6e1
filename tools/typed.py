"""Hold how much of the package's interface has types: ``python -m tools.typed``, a part of ``make check``."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

FLOOR = 0.97
ROOT = Path(__file__).parents[1]
COMMAND = (shutil.which("npx") or "npx", "--no-install", "pyright", "--pythonpath", sys.executable)
VERIFY = ("--verifytypes", "kx_widget", "--ignoreexternal", "--outputjson")


def main() -> int:
    """Ask pyright what users of the package would see; 0 where enough of it is known."""
    # Pyright takes what lies in its own folder for no package, unless the path of Python names it.
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    # Its exit code is 1 as long as anything is unknown.
    answer = subprocess.run([*COMMAND, *VERIFY], cwd=ROOT, env=env, capture_output=True, encoding="utf-8").stdout
    completeness = json.loads(answer)["typeCompleteness"]
    share, counts = completeness["completenessScore"], completeness["exportedSymbolCounts"]
    print(f"Types of the interface: {share:.1%} of {sum(counts.values())} names are known.")
    if share >= FLOOR:
        return 0
    print(f"That is below {FLOOR:.1%}. These are not:")
    for symbol in completeness["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            print(f"  {symbol['name']}: {'; '.join(problem['message'] for problem in symbol['diagnostics'])}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
