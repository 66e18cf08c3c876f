"""Builds the application: configuration, the floor, the domains' pages, the roof's own."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

# Imported for what they bring along: their tables, and the jobs in the order a sweep runs them.
import app.core.alerts
import app.core.audit
import app.core.beats
import app.core.generation
import app.doctor.signature
import app.space
import app.workers  # noqa: F401
import releases.desk.models
import releases.editorial.link_checking
import releases.editorial.presence
import releases.editorial.publishing
import releases.editorial.uploads
import releases.media.encoding
import releases.media.models
import releases.media.storing
import releases.newsroom.hub.following
import releases.newsroom.hub.pinging
import releases.newsroom.lists.listing
import releases.newsroom.models
import releases.newsroom.sharing.press_kits
import releases.review.models
import releases.review.quote_reminders
import releases.review.reminding  # noqa: F401
import subscribers.mailings.controlling
import subscribers.mailings.digests.digesting
import subscribers.mailings.inviting
import subscribers.mailings.retaining
import subscribers.mailings.returns.mailboxes
import subscribers.mailings.sending.delivering
import subscribers.mailings.sending.domain_groups
import subscribers.mailings.sending.materialising
import subscribers.mailings.watching.alarming
import subscribers.mailings.watching.figures  # noqa: F401
from app import pages
from app.core import accounts, kept, people, security
from app.core.db import db, engine_options, prepare_engine
from app.core.mail import mail
from app.settings import CHECKOUT, PREFIX, BadSetting, Settings
from releases.desk import access
from subscribers.mailings.writing import signing


def build(settings: Settings) -> Flask:
    """Every part in its place. Opens no connection."""
    settings.var.mkdir(parents=True, exist_ok=True)
    app = Flask(
        "app",
        root_path=str(CHECKOUT / "app"),
        template_folder=str(CHECKOUT / "templates"),
        static_folder=str(CHECKOUT / "app" / "assets"),
        static_url_path="/static",
    )
    app.config.from_mapping(configuration(settings))
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    kept.init_app(app)
    if count := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    app.extensions["migrate"] = Migrations()
    mail.init_app(app)
    try:
        signing.init_app(app)
    except ValueError as error:
        raise BadSetting(f"{PREFIX}DKIM_KEY: {error}") from None
    security.init_app(app)
    accounts.init_app(app)
    people.init_app(app)
    pages.init_app(app)
    access.init_app(app)
    return app


class Migrations:
    """What Flask-Migrate looks for in an application; itself loaded by the first who migrates.

    With Alembic it takes 10 MiB, and a process that serves or sends never asks for it.
    """

    db, directory = db, str(CHECKOUT / "migrations")

    @cached_property
    def migrate(self) -> Any:
        from flask_migrate import Migrate

        return Migrate(db=self.db, directory=self.directory)


def configuration(settings: Settings) -> dict[str, object]:
    """Our settings as Flask and its extensions want to hear them."""
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": settings.old_secret_keys.split(",")
        if settings.old_secret_keys
        else [],
        "BASE_URL": settings.base_url,
        "VAR": settings.var,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_url),
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USERNAME": settings.mail_username or None,
        "MAIL_PASSWORD": settings.mail_password or None,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_USE_SSL": settings.mail_use_ssl,
        "MAIL_CA_FILE": settings.mail_ca_file,
        "MAIL_VERIFY": settings.mail_verify,
        "MAIL_DEFAULT_SENDER": settings.mail_from,
        "MAIL_SUPPRESS_SEND": False,
        "MAIL_DEBUG": 0,
        "BOUNCE_DOMAIN": settings.bounce_domain or settings.sender_domain,
        "BOUNCE_MAILBOX": settings.bounce_mailbox,
        "BOUNCE_MAILBOX_PASSWORD": settings.bounce_mailbox_password,
        "LMTP_LISTEN": settings.lmtp_listen,
        "HOOK_SES_TOPIC": settings.hook_ses_topic,
        "HOOK_SECRET_POSTMARK": settings.hook_secret_postmark,
        "HOOK_SECRET_MAILGUN": settings.hook_secret_mailgun,
        "HOOK_SECRET_SENDGRID": settings.hook_secret_sendgrid,
        "HOOK_SECRET_BREVO": settings.hook_secret_brevo,
        "DKIM_KEY": settings.dkim_key,
        "DKIM_SELECTOR": settings.dkim_selector,
        "DKIM_DOMAIN": settings.dkim_domain or settings.sender_domain,
        "DNS_SERVER": settings.dns_server,
        "METRICS_TOKEN": settings.metrics_token,
        "LEASE_SECONDS": settings.lease_seconds,
        "REPLY_TIMEOUT_SECONDS": settings.reply_timeout_seconds,
        "CONNECTIONS": settings.connections,
        "JOBS_URL": settings.jobs_url,
        "KEPT_MEGABYTES": settings.kept_megabytes,
        "OUTBOX": settings.outbox,
        "STORAGE_URL": settings.storage_url,
        "STORAGE_KEY_ID": settings.storage_key_id,
        "STORAGE_SECRET": settings.storage_secret,
        "ALLOW_LOOPBACK": settings.allow_loopback,
        "MAX_CONTENT_LENGTH": 32 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 4 * 1024 * 1024,
    }
