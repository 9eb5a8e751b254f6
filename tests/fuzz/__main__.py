"""The command of make fuzz: mutated files for all readers, in processes that may die or hang without ending it."""

from __future__ import annotations

import argparse
import os
import sys

from tests.fuzz.processes import KEPT, run_cases
from tests.fuzz.running import Cases
from tests.fuzz.targets import all_targets


def main() -> int:
    """Run what the command line asks for; 1 when there are faults, which are printed and kept in build/fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Mutated files for every reader.")
    parser.add_argument("--cases", type=int, default=20_000, help="how many mutated files")
    parser.add_argument("--target", action="append", choices=list(all_targets()), help="only these kinds; repeatable")
    parser.add_argument("--case", type=int, help="only the case of this number, in this process")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    options = parser.parse_args()
    targets = {name: t for name, t in all_targets().items() if not options.target or name in options.target}
    if options.case is not None:
        faults = [fault for name, target in targets.items() if (fault := Cases(name, target).run(options.case, KEPT))]
    else:
        total = sum(target.share for target in targets.values())
        cases = [(name, n) for name, t in targets.items() for n in range(round(options.cases * t.share / total))]
        faults = run_cases(cases, options.jobs)
    for fault in faults:
        print(f"\n{fault.target} {fault.number}: {fault.text.strip()}\nAgain: {fault.again}")
    if faults:
        print(f"\n{len(faults)} faults; their files are in {KEPT}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
