"""Serving: a feed of 30 whole items and a release page, against nginx with the same bytes as files.

    python -m tests.benchmarks.serving [--seconds 5] [--runs 3] [--json]

`pressrum serve` and nginx run side by side on this machine and are asked in turn by wrk, over 32
connections: whole, compressed, and by those who have it already. The third is nginx in front of
Pressrum, set up by the very lines of docs/operating.md. Rates differ from machine to machine; the
ratios should not. Of several runs the best counts, as other work only ever slows one down.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.serving import free_port, variables
from app.settings import CHECKOUT, Settings
from tests.benchmarks.archive import fill, office

PATHS = {"feed": "/sv/feed.rss", "release": "/sv/releases/nyhet-50"}
ASKED = ("whole", "gzip", "304")
WANTED = {"whole": 0.35, "gzip": 0.35, "304": 0.25}
CONNECTIONS = 32
FILES = """\
daemon off; pid {folder}/files.pid; worker_processes auto; error_log {folder}/files.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; gzip_static on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ application/rss+xml rss; text/html html; }}
  server {{ listen 127.0.0.1:{port}; root {folder}/files;
    add_header Cache-Control "public, max-age=60"; }}
}}
"""
FRONT = """\
daemon off; pid {folder}/front.pid; worker_processes auto; error_log {folder}/front.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path {folder}/p1; proxy_temp_path {folder}/p2; fastcgi_temp_path {folder}/p3;
  uwsgi_temp_path {folder}/p4; scgi_temp_path {folder}/p5;
{lines}
}}
"""

Rate = dict[str, float]


def documented(folder: Path, *, port: int, behind: int) -> str:
    """nginx's lines in the operating guide, with this run's ports and folder, and without TLS."""
    guide = (CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8")
    found = re.search(r"```nginx\n(.*?)```", guide, re.DOTALL)
    assert found is not None, "docs/operating.md has no lines for nginx"
    lines = re.sub(r"(?m)^ *(ssl_|http2).*\n", "", found[1])
    for before, after in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
        ("/var/cache/nginx/pressrum", f"{folder}/cache"),
    ):
        assert before in lines, f"the lines for nginx do not say {before}"
        lines = lines.replace(before, after)
    return FRONT.format(folder=folder, lines=lines)


def fetch(port: int, path: str, **headers: str) -> tuple[dict[str, str], bytes]:
    named = {name.replace("_", "-"): said for name, said in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers=named)
        answer = connection.getresponse()
        return {name.lower(): said for name, said in answer.getheaders()}, answer.read()


@contextmanager
def running(command: list[str], port: int, path: str, **more: object) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, **more) as server:  # type: ignore[call-overload]
        deadline = time.monotonic() + 60
        while True:
            try:
                fetch(port, path)
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} does not answer") from None
                time.sleep(0.1)
        try:
            yield
        finally:
            server.terminate()
            server.wait(20)


def wrk(port: int, path: str, header: str, seconds: int) -> Rate:
    """Answers a second, and the milliseconds that 99 of 100 are done in."""
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-H", header]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    assert rate is not None and slow is not None, said
    return {
        "rate": float(rate[1]),
        "p99": float(slow[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slow[2]],
    }


def header_for(asked: str, port: int, path: str) -> str:
    if asked == "304":
        return f"If-None-Match: {fetch(port, path)[0]['etag']}"
    return "Accept-Encoding: gzip" if asked == "gzip" else "X-Asked: whole"


def measure(folder: Path, *, seconds: int, runs: int) -> dict[str, dict[str, Rate]]:
    """(page and way of asking) -> (who answers) -> the best of the runs."""
    folder.chmod(0o755)  # nginx, started by root, reads as somebody else
    home = folder / "office"
    home.mkdir()
    fill(office(home), releases=200, awards=2_000)
    ours, files, front = (free_port(0) for _ in range(3))
    environment = {
        **os.environ,
        **variables(settings_of(home, ours)),
        "PYTHONPATH": str(CHECKOUT),
    }
    serve = [sys.executable, "-P", "-m", "app.cli", "serve", "--no-worker", "--port", str(ours)]
    doors = {"nginx files": files, "pressrum": ours, "nginx front": front}
    results: dict[str, dict[str, Rate]] = {}
    with running(serve, ours, "/healthz", env=environment):
        for path in PATHS.values():
            place = folder / "files" / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            body = fetch(ours, path)[1]
            place.write_bytes(body)
            Path(f"{place}.gz").write_bytes(gzip.compress(body, 9, mtime=0))
        (folder / "files.conf").write_text(FILES.format(folder=folder, port=files))
        (folder / "front.conf").write_text(documented(folder, port=front, behind=ours))
        nginx = [shutil.which("nginx") or "nginx", "-e", f"{folder}/nginx.log", "-c"]
        with (
            running([*nginx, f"{folder}/files.conf"], files, PATHS["feed"]),
            running([*nginx, f"{folder}/front.conf"], front, PATHS["feed"]),
        ):
            for name, path in PATHS.items():
                size = (folder / "files" / path.lstrip("/")).stat().st_size
                for asked in ASKED:
                    found = results.setdefault(f"{name} ({size / 1024:.0f} KB), {asked}", {})
                    for _ in range(runs):
                        for who, port in doors.items():
                            once = wrk(port, path, header_for(asked, port, path), seconds)
                            best = found.get(who)
                            if best is None or once["rate"] > best["rate"]:
                                found[who] = once
    return results


def settings_of(home: Path, port: int) -> Settings:
    from app.core.db import normal_url

    return Settings(
        var=home,
        database_url=normal_url(f"sqlite:///{home / 'pressrum.db'}"),
        secret_key="only for the benchmark",
        base_url=f"http://127.0.0.1:{port}",
        mail_from="press@press.example",
    )


def report(results: dict[str, dict[str, Rate]]) -> None:
    against = f"{'of it':>7}{'p99 ms':>8}"
    heads = f"{'nginx':>9}{'p99 ms':>8}{'pressrum':>10}{against}{'in front':>10}{against}"
    print(f"{'Answers a second':<28}{heads}")
    for name, found in results.items():
        files, ours, front = (found[who] for who in ("nginx files", "pressrum", "nginx front"))
        share, ahead = ours["rate"] / files["rate"], front["rate"] / files["rate"]
        wanted = WANTED[name.rpartition(" ")[2]]
        cells = [f"{name:<28}", f"{files['rate']:9,.0f}{files['p99']:8.1f}"]
        for one, of_it in ((ours, share), (front, ahead)):
            cells.append(f"{one['rate']:10,.0f}{of_it:7.2f}{one['p99']:8.1f}")
        print("".join(cells) + ("" if share >= wanted else f"  below {wanted}"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if missing := [name for name in ("nginx", "wrk") if shutil.which(name) is None]:
        print(f"Serving is not measured: there is no {' and no '.join(missing)} on this machine.")
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), seconds=given.seconds, runs=given.runs)
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        report(results)


if __name__ == "__main__":
    main()
