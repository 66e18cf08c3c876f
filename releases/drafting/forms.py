"""What the office is asked about a programme."""

from __future__ import annotations

from wtforms import RadioField

from app.core.forms import (
    Form,
    Word,
    choices,
    long_text,
    required_choice,
    text,
    web_address,
)
from releases.rounds.models import HeadlineShape

SHAPES = {
    HeadlineShape.AMOUNT_FIRST: "settings.headline_shape.amount_first",
    HeadlineShape.COUNT_FIRST: "settings.headline_shape.count_first",
    HeadlineShape.THEME_FIRST: "settings.headline_shape.theme_first",
}


class ProgrammeForm(Form):
    name = text("settings.programme_name", required=True)
    name_en = text("settings.programme_name_en", hint="settings.programme_name_en_hint")
    purpose_sv = text("settings.purpose_sv", hint="settings.purpose_sv_hint", most=300)
    purpose_en = text("settings.purpose_en", hint="settings.purpose_en_hint", most=300)
    headline_shape = RadioField(
        Word("settings.headline_shape"),
        description=Word("settings.headline_shape_hint"),
        choices=choices(SHAPES.items()),
        validators=[required_choice()],
    )
    about_sv = long_text("settings.programme_about_sv", hint="settings.programme_about_hint")
    about_en = long_text("settings.programme_about_en", hint="settings.programme_about_hint")
    read_more_url = text(
        "settings.read_more_url", hint="settings.read_more_url_hint", most=500, check=web_address
    )
