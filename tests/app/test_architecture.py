"""The rules of the house, read from the code: which way imports point and what is named how."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "releases", "subscribers")
EDGES = {"views", "public", "commands", "forms"}

# Lowest first. A module may import from its own layer and from those before it.
LAYERS = (
    "app.core",
    "subscribers.audience",
    "subscribers.mailings",
    "subscribers edges",
    "releases.rounds",
    "releases.drafting",
    "releases.editorial releases.media releases.review releases.desk",
    "releases.newsroom releases.coverage",
    "releases edges",
    "app",
)
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "service", "services"}


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            parts = path.relative_to(CHECKOUT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports anywhere in it, inside functions too; of ours, the very module."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            source = node.module or ""
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name if name in modules() else source for name in inner}
    return frozenset(found)


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name in modules()}


def is_edge(module: str) -> bool:
    """Where a domain meets people: whatever answers requests or commands, and their forms."""
    name = module.rpartition(".")[2].rpartition("_")[2]
    return name in EDGES or "= Blueprint(" in modules()[module].read_text(encoding="utf-8")


def layer(module: str) -> int:
    parts = module.split(".")
    if parts[0] != "app" and is_edge(module):
        return LAYERS.index(f"{parts[0]} edges")
    names = [(rank, name) for rank, line in enumerate(LAYERS) for name in line.split()]
    fitting = [(len(name), rank) for rank, name in names if f"{module}.".startswith(f"{name}.")]
    if not fitting:  # a domain's own package holds nothing but its promise
        return 0
    return max(fitting)[1]


def models() -> list[str]:
    return [module for module in modules() if module.endswith(".models")]


@pytest.mark.parametrize("module", modules())
def test_arrows_point_down_only(module: str) -> None:
    upward = {name for name in ours(module) if layer(name) > layer(module)}

    assert not upward, f"{module} is below {', '.join(sorted(upward))}"


def test_no_two_modules_need_each_other() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for name in sorted(ours(module)):
            visit(name, (*path, module))
        done.add(module)

    for module in modules():
        visit(module, ())


@pytest.mark.parametrize("domain", ["releases", "subscribers"])
def test_a_domains_package_is_a_promise_without_code(domain: str) -> None:
    for module, path in modules().items():
        if path.name == "__init__.py" and module.split(".")[0] == domain:
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert len(body) == 1, f"{module} holds more than a docstring"
            assert isinstance(body[0], ast.Expr)


@pytest.mark.parametrize("module", models())
def test_models_ask_no_time_send_no_mail_and_know_no_request(module: str) -> None:
    forbidden = {"flask", "smtplib", "app.core.clock", "app.core.mail", "app.core.jobs"}

    assert not {name for name in imports(module) if name in forbidden or name.startswith("flask.")}


@pytest.mark.parametrize("module", models())
def test_models_import_no_verbs(module: str) -> None:
    """What a model leans on knows no models itself: plain words and values, or other models."""
    for name in ours(module) - set(models()):
        if not name.startswith("app.core."):
            assert not ours(name) & {*models(), "app.core.db"}, f"{module} imports {name}"


@pytest.mark.parametrize("module", modules())
def test_a_modules_name_says_what_it_is_for(module: str) -> None:
    assert module.rsplit(".", 1)[-1] not in NAMES_THAT_SAY_NOTHING


@pytest.mark.parametrize("module", modules())
def test_a_module_opens_by_saying_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(modules()[module].read_text(encoding="utf-8")))


def jobs_of(module: str) -> set[str]:
    """The names of the jobs that a module brings."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        for call in getattr(node, "decorator_list", ()):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("job", "jobs.job"):
                found.add(ast.literal_eval(call.args[0]))
    return found


@pytest.mark.parametrize("module", modules())
def test_no_job_needs_a_page_or_a_command_to_be_known(module: str) -> None:
    assert not (jobs_of(module) and is_edge(module)), "a worker serves no pages and has no terminal"


def test_every_worker_knows_every_job_however_it_was_started() -> None:
    ask = "import app.factory; from app.core import jobs; print(*jobs.in_order())"

    known = subprocess.run(
        [sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert len(known) > 20
    assert set(known) == set().union(*(jobs_of(module) for module in modules()))


def test_the_application_does_not_load_what_only_few_of_its_processes_need(tmp_path: Path) -> None:
    """Each costs every web process and worker from 1 to 15 MiB."""
    seldom = {"alembic", "cryptography", "dns", "granian", "huey", "openpyxl", "psycopg", "redis"}
    seldom |= {"snowballstemmer", "typst"}
    ask = "from app import create_app; create_app(); import sys; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=CHECKOUT,
        env={**os.environ, "PRESSRUM_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not seldom & set(loaded)


def test_loading_the_floor_loads_neither_the_roof_nor_a_domain() -> None:
    ask = "import sys, app, app.core.html; print(*sorted(sys.modules))"

    loaded = subprocess.run(
        [sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert not [name for name in loaded if name.split(".")[0] in ("releases", "subscribers")]
    assert not {"app.factory", "app.pages", "app.settings"} & set(loaded)


@cache
def tracked() -> list[Path]:
    """The files of the checkout that belong to it, committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout
    paths = [CHECKOUT / name.decode() for name in names.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.~$}-])/(?:wor[k]|roo[t]|hom[e]/\w+)/")

    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(CHECKOUT)}: {hit.group()}" for hit in machine.finditer(text)]
    assert not found


def test_no_lock_file_knows_where_packages_come_from() -> None:
    locks = [path for path in tracked() if path.name.endswith((".lock", "package-lock.json"))]

    assert len(locks) >= 3
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert "://" not in re.sub(r'"url": "[^"]*"', "", text), path  # where to give money
        assert "--index-url" not in text, path
        assert '"resolved"' not in text, path
