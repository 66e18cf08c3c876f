"""What the office is asked about a programme."""

from __future__ import annotations

from app.core.forms import Form, long_text, text, web_address


class ProgrammeForm(Form):
    name = text("settings.programme_name", required=True)
    name_en = text("settings.programme_name_en", hint="settings.programme_name_en_hint")
    purpose_sv = text("settings.purpose_sv", hint="settings.purpose_sv_hint", most=300)
    purpose_en = text("settings.purpose_en", hint="settings.purpose_en_hint", most=300)
    about_sv = long_text("settings.programme_about_sv", hint="settings.programme_about_hint")
    about_en = long_text("settings.programme_about_en", hint="settings.programme_about_hint")
    read_more_url = text(
        "settings.read_more_url", hint="settings.read_more_url_hint", most=500, check=web_address
    )
