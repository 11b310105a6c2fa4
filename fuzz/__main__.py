"""``python -m fuzz [TARGET]...``: each target in a process of its own, guided by coverage, for $FUZZ_SECONDS each.

A finding is kept as ``fuzz/findings/TARGET-crash-...`` (or -timeout-, -oom-); ``python -m fuzz TARGET FILE`` runs one
again. Put it into ``tests/test_fuzz.py`` when it is understood.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 60  # a target
HANG = 10  # s for one input
MEMORY = 1024  # MB
HERE = Path(__file__).parent


def guided(name: str) -> None:
    """Run one target until its time is over. Does not return."""
    import atheris  # type: ignore[import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["sniffer", "monitor"], enable_loader_override=False):
        from fuzz.targets import TARGETS
    corpus, findings = HERE / "corpus" / name, HERE / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    limits = [f"-timeout={HANG}", f"-rss_limit_mb={MEMORY}", "-max_len=4096", "-verbosity=0", "-print_final_stats=1"]
    seconds = os.environ.get("FUZZ_SECONDS", str(SECONDS))
    prefix = f"-artifact_prefix={findings}/{name}-"
    atheris.Setup([name, f"-max_total_time={seconds}", prefix, *limits, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Run the targets named, or all, or one of them on a file."""
    from fuzz.targets import TARGETS

    chosen = sys.argv[1:]
    if len(chosen) == 2 and chosen[0] in TARGETS and os.path.exists(chosen[1]):
        TARGETS[chosen[0]](Path(chosen[1]).read_bytes())
        return 0
    if wrong := [name for name in chosen if name not in TARGETS]:
        print(f"fuzz: no target {wrong[0]!r}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    failed = []
    for name in chosen or TARGETS:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-c", f"from fuzz.__main__ import guided; guided({name!r})"]).returncode:
            failed.append(name)
    print(f"fuzz: {', '.join(failed) or 'no target'} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
