"""Makes the virtual environment of the test emulator, or another one, and prints the path of its Python.

Made once under `target/moto`, made anew when its requirements have changed, and safe to run from
many processes at the same time. Standard library only: this runs before anything is installed.
"""

import argparse
import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def install(directory: Path, requirements: Path, options: tuple[str, ...] = ()) -> Path:
    """Returns the Python of a complete environment in `directory`, made now if need be."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    python = directory / "bin" / "python"
    # Written last, so that an environment whose making was interrupted is never taken for complete.
    stamp = directory / "installed-requirements.txt"
    wanted = f"{sys.version}\n{requirements.read_text()}"
    with open(directory.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(directory, ignore_errors=True)
            venv.create(directory, with_pip=True)
            pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *options]
            subprocess.run([*pip, "--requirement", requirements], check=True, stdout=sys.stderr)
            stamp.write_text(wanted)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = HERE.parent.parent / "target" / "moto"
    parser.add_argument("--directory", type=Path, default=default, help="default: target/moto")
    parser.add_argument("--requirements", type=Path, default=REQUIREMENTS, help="default: those of the emulator")
    parser.add_argument("--no-deps", action="store_true", help="install what is named and nothing else")
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]} ({sys.executable})")
    try:
        arguments = parser.parse_args()
        options = ("--no-deps",) if arguments.no_deps else ()
        print(install(arguments.directory.absolute(), arguments.requirements, options))
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"the environment cannot be made: `{' '.join(map(str, error.cmd))}` ended with "
            f"{error.returncode}; is the Python package index reachable, and the `venv` module complete "
            "(Debian: apt-get install python3-venv)?"
        )


if __name__ == "__main__":
    main()
