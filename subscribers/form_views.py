"""The sign-up form for the organisation's own site: the code that is pasted there.

Two kinds: a plain form that leads to our answer page, and a frame in which everything happens. Both
work without script and cookie, and neither has a token: they act on an address somebody types.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.accounts import Role, only, signed_in_only
from app.core.organisation import organisation
from app.core.security import set_policy
from app.core.words import LANGUAGES, translate
from app.core.words.language import interface_language
from subscribers.audience.consent_texts import CURRENT, words_of
from subscribers.audience.subscribing import PRESS_RELEASES
from subscribers.audience.topics import name_of, offered

blueprint = Blueprint("signup_form", __name__, url_prefix="/office/subscribers/form")
signed_in_only(blueprint)

FRAME_HEIGHT = 460
SANDBOX = "allow-forms allow-popups allow-popups-to-escape-sandbox"


@blueprint.get("/")
@only(Role.EDITOR)
def page() -> ResponseReturnValue:
    """Both codes, for a language and for everything or one topic."""
    spoken = interface_language()
    wanted = request.args.get("language", "")
    language = wanted if wanted in LANGUAGES else spoken
    topics = [(one.slug, name_of(one, spoken)) for one in offered()]
    topic = request.args.get("topic", "")
    if topic not in dict(topics):
        topic = PRESS_RELEASES
    text = render_template(
        "office/subscribers/form.html",
        chosen=language,
        topics=topics,
        topic=topic,
        form_code=form_code(language, topic),
        frame_code=frame_code(language, topic),
        frame=_frame_address(language, topic),
    )
    return _with_frame(make_response(text))


def form_code(language: str, topic: str) -> str:
    """A form in plain HTML, to be dressed by the site it stands on."""
    promise = "".join(
        Markup("    <li>{}</li>\n").format(point) for point in words_of(CURRENT, language)
    )
    subject = (
        Markup('  <input type="hidden" name="topic" value="{}">\n').format(topic)
        if topic != PRESS_RELEASES
        else ""
    )
    return str(
        Markup(
            '<form method="post" action="{action}">\n'
            '  <input type="hidden" name="from" value="site">\n'
            "{subject}"
            '  <p><label for="press-email">{email}</label>\n'
            '    <input type="email" id="press-email" name="email" required maxlength="320"'
            ' autocomplete="email"></p>\n'
            "  <p hidden><label>{website}\n"
            '    <input type="text" name="website" tabindex="-1" autocomplete="off"></label></p>\n'
            "  <ul>\n{promise}  </ul>\n"
            '  <p><button type="submit">{subscribe}</button></p>\n'
            "</form>"
        ).format(
            action=f"{_base()}/{language}/subscribe",
            subject=subject,
            email=translate("subscribers.email", language),
            website=translate("subscribers.website", language),
            promise=Markup(promise),  # noqa: S704 - escaped where it is put together
            subscribe=translate("subscribers.subscribe", language),
        )
    )


def frame_code(language: str, topic: str) -> str:
    """An iframe with our own form, that answers within it."""
    sender = organisation().name(language)
    return str(
        Markup(
            '<iframe src="{}" title="{}" width="100%" height="{}" loading="lazy"'
            ' frameborder="0" sandbox="{}"></iframe>'
        ).format(
            f"{_base()}{_frame_address(language, topic)}",
            translate("subscribers.embed.title", language, sender=sender),
            FRAME_HEIGHT,
            SANDBOX,
        )
    )


def _frame_address(language: str, topic: str) -> str:
    subject = "" if topic == PRESS_RELEASES else f"?topic={topic}"
    return f"/{language}/embed/subscribe{subject}"


def _with_frame(response: Response) -> Response:
    return set_policy(response, frame_src="'self'")


def _base() -> str:
    base: str = current_app.config["BASE_URL"]
    return base
