"""Where providers tell of bounces and complaints: `/hooks/<provider>`.

Machines only: no page, no cookie, no hint. 404 where no secret is set, 403 for who does not know
it, 400 for what cannot be read, 200 for what was stored, now or before.
"""

from __future__ import annotations

import json
import logging

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from app.core import fetching
from app.core.clock import now
from app.core.db import db
from app.core.security import csrf
from subscribers.mailings.returns import applying, notices, verifying

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
csrf.exempt(blueprint)

MOST_BYTES = 2 * 1024 * 1024
AT_ONCE = 50  # events in one transaction
SETTING = {
    "ses": "HOOK_SES_TOPIC",
    "postmark": "HOOK_SECRET_POSTMARK",
    "mailgun": "HOOK_SECRET_MAILGUN",
    "sendgrid": "HOOK_SECRET_SENDGRID",
    "brevo": "HOOK_SECRET_BREVO",
}

log = logging.getLogger(__name__)


@blueprint.post("/<any(ses, postmark, mailgun, sendgrid, brevo):provider>")
def tell(provider: str) -> ResponseReturnValue:
    """One notice, of one event or many. Broken off it is told again, and what was stored counts
    once."""
    secret = str(current_app.config[SETTING[provider]])
    if not secret:
        abort(404)
    if (request.content_length or 0) > MOST_BYTES:
        abort(413)
    body = request.get_data(cache=False)
    if not _is_theirs(provider, body, secret):
        abort(403)
    if provider == "ses" and _confirmed(body):
        return _stored()
    try:
        events = notices.read(provider, body)
    except (ValueError, RecursionError):
        abort(400)
    for start in range(0, len(events), AT_ONCE):
        applying.take_notices(provider, events[start : start + AT_ONCE], at=now())
        db.session.commit()
    return _stored()


def _is_theirs(provider: str, body: bytes, secret: str) -> bool:
    if provider == "ses":
        return verifying.is_from_amazon(body, topic=secret)
    if provider == "mailgun":
        return verifying.is_from_mailgun(body, secret=secret)
    if provider == "sendgrid":
        return verifying.is_from_sendgrid(
            body,
            key=secret,
            signature=request.headers.get("X-Twilio-Email-Event-Webhook-Signature", ""),
            timestamp=request.headers.get("X-Twilio-Email-Event-Webhook-Timestamp", ""),
        )
    return verifying.knows_secret(request.headers.get("Authorization", ""), secret=secret)


def _confirmed(body: bytes) -> bool:
    """Amazon asks once whether we want its notices; the topic and the signature are checked."""
    told = json.loads(body)
    if told.get("Type") != "SubscriptionConfirmation":
        return False
    where = str(told.get("SubscribeURL"))
    if not verifying.is_amazons(where):
        abort(403)
    try:
        fetching.fetch(where, method="GET", redirects=0)
    except fetching.Unfetchable as error:
        log.warning("the subscription to %s could not be confirmed: %s", told["TopicArn"], error)
        abort(503)
    return True


def _stored() -> Response:
    return Response("stored\n", mimetype="text/plain")
