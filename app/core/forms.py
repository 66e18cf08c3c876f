"""What the office's forms are made of: fields that are labelled in the page's language.

Every message is a word of our catalogues, WTForms' own ones too. Text loses the blanks around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from app.core.accounts import normal_email
from app.core.errors import BadInput
from app.core.html import is_web_address
from app.core.words import translate
from app.core.words.language import interface_language


class Word:
    """A text of the catalogues, in the language of the page that shows it."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __str__(self) -> str:
        return translate(self.key, interface_language())


class _Words:
    """WTForms' own messages: a date that is none, a choice that is not offered."""

    def gettext(self, text: str) -> str:
        key = "settings.form.date" if "date" in text else "settings.form.choice"
        return translate(key, interface_language())

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.gettext(one)


class Form(FlaskForm):  # type: ignore[misc]
    class Meta:
        def get_translations(self, form: object) -> _Words:
            return _Words()


class WithinLength(Length):  # type: ignore[misc]
    """Keeps to what the column holds, and says how many characters that is."""

    def __call__(self, form: Form, field: Field) -> None:
        if len(field.data or "") > self.max:
            raise ValidationError(_about(field, "settings.form.too_long", n=self.max))


def text(
    label: str, *, hint: str = "", most: int = 200, required: bool = False, check: Any = None
) -> Any:
    """One line. `check` is a further validator for when something is written."""
    return _text(StringField, label, hint, most, required, check)


def long_text(
    label: str, *, hint: str = "", most: int = 20_000, required: bool = False, check: Any = None
) -> Any:
    """Several lines, their ends as the database keeps them."""
    return _text(TextAreaField, label, hint, most, required, check)


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """What may be chosen: each value and the key of its words."""
    return [SelectChoice(value, Word(key)) for value, key in pairs]


def required_choice() -> Any:
    return InputRequired(message=Word("settings.form.choice"))


def web_address(form: Form, field: Field) -> None:
    if field.data and not is_web_address(field.data):
        raise ValidationError(translate("settings.form.web_address", interface_language()))


def email_address(form: Form, field: Field) -> None:
    if not field.data:
        return
    try:
        normal_email(field.data)
    except BadInput as error:
        word = translate(f"errors.{error.key}", interface_language(), **error.facts)
        raise ValidationError(word) from None


def _text(kind: Any, label: str, hint: str, most: int, required: bool, check: Any) -> Any:
    validators = [WithinLength(max=most)]
    if required:
        validators.insert(0, _Filled())
    if check:
        validators.append(check)
    return kind(
        Word(label),
        description=Word(hint) if hint else "",
        validators=validators,
        filters=[_neat],
    )


class _Filled(InputRequired):  # type: ignore[misc]
    """Something other than blanks is written."""

    def __call__(self, form: Form, field: Field) -> None:
        if not (field.data or "").strip():
            raise ValidationError(_about(field, "settings.form.required"))


def _about(field: Field, key: str, **facts: Any) -> str:
    """A sentence that names its field, for the summary above the form."""
    return translate(key, interface_language(), field=str(field.label.text), **facts)


def _neat(value: str | None) -> str:
    return (value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
