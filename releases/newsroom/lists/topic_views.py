"""The office's pages about topics, and the choice of a story's topics on a release's page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, me, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.forms import Form, text
from app.core.paging import LARGEST_ID
from app.core.words.language import t
from releases.editorial import topics
from releases.editorial.questions import release_by_id
from releases.editorial.workflow import WRITERS
from subscribers.audience.models import Topic

blueprint = Blueprint("topics", __name__, url_prefix="/office")
signed_in_only(blueprint)


class TopicForm(Form):
    name_sv = text("lists.office.name_sv", required=True)
    name_en = text("lists.office.name_en", hint="lists.office.name_en_hint")


@blueprint.get("/settings/topics/")
@only(Role.EDITOR)
def index() -> ResponseReturnValue:
    return render_template("office/settings/topics.html", topics=topics.every_topic())


@blueprint.get("/settings/topics/new")
@only(Role.EDITOR)
def new() -> ResponseReturnValue:
    return _page(TopicForm(), None)


@blueprint.post("/settings/topics/new")
@only(Role.EDITOR)
def create() -> ResponseReturnValue:
    """A topic more."""
    form = TopicForm()
    if not form.validate():
        return _page(form, None), 422
    try:
        topics.add(name_sv=form.name_sv.data, name_en=form.name_en.data, by=me(), at=now())
    except (BadInput, Conflict) as error:
        return _refused(form, None, error)
    return _done()


@blueprint.get("/settings/topics/<int:topic_id>")
@only(Role.EDITOR)
def edit(topic_id: int) -> ResponseReturnValue:
    topic = topics.topic_by_id(topic_id)
    return _page(TopicForm(obj=topic), topic)


@blueprint.post("/settings/topics/<int:topic_id>")
@only(Role.EDITOR)
def save(topic_id: int) -> ResponseReturnValue:
    """Other names for a topic."""
    topic, form = topics.topic_by_id(topic_id), TopicForm()
    if not form.validate():
        return _page(form, topic), 422
    names = {"name_sv": form.name_sv.data, "name_en": form.name_en.data}
    try:
        topics.rename(topic, **names, by=me(), at=now())
    except BadInput as error:
        return _refused(form, topic, error)
    return _done()


@blueprint.post("/settings/topics/<int:topic_id>/retire")
@only(Role.EDITOR)
def retire(topic_id: int) -> ResponseReturnValue:
    topics.retire(topics.topic_by_id(topic_id), by=me(), at=now())
    return _done()


@blueprint.post("/settings/topics/<int:topic_id>/bring-back")
@only(Role.EDITOR)
def bring_back(topic_id: int) -> ResponseReturnValue:
    topics.bring_back(topics.topic_by_id(topic_id), by=me(), at=now())
    return _done()


@blueprint.post("/releases/<int:release_id>/topics")
@only(*WRITERS)
def choose(release_id: int) -> ResponseReturnValue:
    """What the release's story is about: those whose boxes are ticked."""
    release = release_by_id(release_id)
    ticked = [one for one in request.form.getlist("topic", type=int) if 0 < one <= LARGEST_ID]
    topics.file_under(release, ticked, by=me(), at=now())
    db.session.commit()
    flash(t("lists.office.chosen"), "success")
    return redirect(url_for("releases.one", release_id=release_id, _anchor="topics"))


def _page(form: TopicForm, topic: Topic | None) -> str:
    return render_template("office/settings/topic.html", form=form, topic=topic)


def _refused(
    form: TopicForm, topic: Topic | None, error: BadInput | Conflict
) -> ResponseReturnValue:
    form.name_sv.errors = [t(f"errors.{error.key}", **error.facts)]
    return _page(form, topic), 422


def _done() -> ResponseReturnValue:
    db.session.commit()
    flash(t("settings.saved"), "success")
    return redirect(url_for("topics.index"))
