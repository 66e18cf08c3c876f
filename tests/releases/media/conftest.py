"""These tests begin with a story that has a release, and files that people have."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.releases.newsroom.desk import Desk


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk()
