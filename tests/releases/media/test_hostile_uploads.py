"""Files made to do harm, through the office's real upload: each is told why, and nothing breaks."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core import shelf
from app.core.accounts import User
from app.core.db import normal_url
from app.settings import CHECKOUT
from releases.editorial.models import Release, State
from releases.media.encoding import encode_images
from releases.media.questions import images_of
from releases.media.renditions import names
from tests import factories
from tests.releases.media import hostile, pictures
from tests.releases.newsroom.desk import Desk

MOST_MEGABYTES = 500  # for all of them one after the other, the interpreter with its packages too


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """An upload is the same on both databases."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def release(desk: Desk) -> Release:
    return desk.release(state=State.DRAFT)


@pytest.fixture
def office(client: FlaskClient, writer: User) -> FlaskClient:
    return factories.signed_in(client, writer)


def upload(office: FlaskClient, release: Release, content: bytes, name: str) -> tuple[int, str]:
    address = f"/office/stories/{release.story_id}/media/upload"
    answer = office.post(address, data={"file": (io.BytesIO(content), name)})
    return answer.status_code, answer.json["message"]


@pytest.mark.parametrize("name", hostile.REFUSED)
def test_what_is_refused_is_refused_by_name_and_with_a_reason(
    office: FlaskClient, release: Release, name: str
) -> None:
    content, reason = hostile.REFUSED[name]

    status, message = upload(office, release, content, name)

    assert status == 422
    assert f"”{name}”" in message and reason in message
    assert images_of(release.story_id) == []


@pytest.mark.parametrize("name", hostile.TAKEN)
def test_what_only_looks_odd_is_taken_and_encoded_like_any_other(
    office: FlaskClient, release: Release, name: str
) -> None:
    status, message = upload(office, release, hostile.TAKEN[name], name)

    assert (status, message) == (200, f"{name} är uppladdad.")
    encode_images()
    image = images_of(release.story_id)[0]
    assert image.encoded_at is not None
    assert shelf.names(image.key) == set(names(image.width, image.height, image.content_type))
    for file in shelf.names(image.key):
        assert b"/etc/passwd" not in shelf.read(image.key, file)


@pytest.mark.parametrize("name", hostile.NAMES)
def test_a_name_that_misleads_is_kept_without_what_misleads(
    office: FlaskClient, release: Release, name: str
) -> None:
    upload(office, release, pictures.jpeg(), name)

    image = images_of(release.story_id)[0]
    assert image.filename == hostile.NAMES[name]
    page = office.get(f"/office/stories/{release.story_id}/media").get_data(as_text=True)
    assert "<img src=x" not in page
    download = office.get(f"/media/{image.key}/high.jpg", buffered=True)
    assert download.status_code == 200
    assert "/" not in download.headers["Content-Disposition"].split("filename=", 1)[1]


def test_memory_stays_bounded_whatever_comes() -> None:
    """In a process of its own, since memory that was once taken is never given back.

    Read where the kernel begins anew with a program; what `getrusage` says is inherited from us.
    """
    script = (
        "import re\n"
        "from pathlib import Path\n"
        "from app.core.errors import BadInput\n"
        "from releases.media import storing\n"
        "from tests.releases.media import hostile\n"
        "for name, (content, _) in hostile.REFUSED.items():\n"
        "    try:\n"
        "        storing.make(content, filename=name)\n"
        "    except BadInput:\n"
        "        pass\n"
        "for name, content in hostile.TAKEN.items():\n"
        "    storing.make(content, filename=name)\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert int(done.stdout) < MOST_MEGABYTES
