"""Attack lenet for hours, and count what holds.

    python tools/attack.py                            # all of it
    python tools/attack.py --only "kills of train"    # one row, or several
    python tools/attack.py --share 0.01 --seed 7      # a hundredth of it, otherwise random
    python tools/attack.py --write                    # and put the rows into the page

What broke is printed at once, with what repeats it. `--write` puts the rows into
`docs/concepts/reliability.md`, in place of those of the same name. It runs with the Python of a
development environment, on Linux.
"""

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(folder) for folder in (ROOT / "tests", *sorted((ROOT / "tests").glob("*/")))]

from all_attacks import ATTACKS  # noqa: E402
from counting import BREAKS, Attack, Counts  # noqa: E402

from lenet.runs import processor_name  # noqa: E402

PAGE = ROOT / "docs" / "concepts" / "reliability.md"
BEGIN, END = "<!-- rows of tools/attack.py -->\n", "<!-- end of the rows -->\n"
HEADINGS = (
    "Attack",
    "Tried",
    "Held",
    *(kind.capitalize() for kind in BREAKS),
    "Time",
    "Commit, day, processor",
)


def main() -> int:
    names = [attack.name for attack in ATTACKS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--share", type=float, default=1.0, help="of how often each is done")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the rows into the page")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = {}
    broken = 0
    for attack in (attack for attack in ATTACKS if attack.name in options.only):
        if attack.needs and not attack.needs.exists():
            print(f"{attack.name}: left out, as there is no `{attack.needs}`")
            continue
        row, breaks = carry_out(attack, options.share, options.seed)
        rows[attack.name] = row
        broken += breaks
        if options.write:
            write(rows)
    print("\n" + table(rows))
    return 1 if broken else 0


def carry_out(attack: Attack, share: float, seed: int) -> tuple[str, int]:
    """The attack's row, and how often its promise broke."""
    counts = Counts()
    times = max(attack.few, round(share * attack.many))
    print(f"{attack.name}: {times:,} {attack.unit}, seed {seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lenet-attack-") as folder:
        attack.run(Random(seed), times, Path(folder), counts)
    minutes = (time.monotonic() - start) / 60
    for kind, what in counts.broken:
        print(f"  {kind}: {what}", flush=True)
    held = max(0, counts.tried - len(counts.broken))  # a second may hold several breaks
    print(f"  {counts.tried:,} tried, {held:,} held, {len(counts.broken)} not, {minutes:.1f} min")
    cells = (
        attack.name,
        f"{counts.tried:,} {attack.unit}",
        f"{held:,}",
        *(str(counts.by_kind[kind]) for kind in BREAKS),
        f"{minutes:.1f} min",
        commit(),
    )
    return "| " + " | ".join(cells) + " |", len(counts.broken)


def commit() -> str:
    """What was attacked, when and where."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"`{done.stdout.strip() or '?'}`, {datetime.date.today()}, {processor_name()}"


def table(rows: dict[str, str]) -> str:
    heading = "| " + " | ".join(HEADINGS) + " |\n|" + " --- |" * len(HEADINGS)
    return "\n".join((heading, *rows.values())) + "\n"


def write(rows: dict[str, str]) -> None:
    """Put rows into the page, in the order of the attacks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    there = {line.split("|")[1].strip(): line for line in old.splitlines()[2:]}
    there |= rows
    kept = {attack.name: there[attack.name] for attack in ATTACKS if attack.name in there}
    PAGE.write_text(before + BEGIN + table(kept) + END + after)


if __name__ == "__main__":
    sys.exit(main())
