"""POST and GET /webhook, PUT and DELETE /webhook/:id, PUT /webhook/:id/status."""

from typing import Literal

import msgspec

from chappe.domain.errors import BadData
from chappe.manage.webhooks import Webhook
from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import Scalar, optional_text, required_text, word

_MAX_TYPE_CHARACTERS = 32
_MAX_URL_CHARACTERS = 2_000
_MAX_SIGNATURE_CHARACTERS = 255


class _Webhook(msgspec.Struct):
    type: Scalar = None
    url: Scalar = None
    signature: Scalar = None
    status: Scalar = None


class WebhookDocument(msgspec.Struct):
    webhook: _Webhook | None = None


class Created(msgspec.Struct, frozen=True):
    """A new webhook. Source, as of the other forms: the contract's webhooks."""

    webhook_id: str
    type: str
    url: str
    signature: str | None


class WebhookFields(msgspec.Struct, frozen=True):
    """A webhook as it is listed."""

    webhook_id: str
    type: str
    url: str
    status: Literal["live", "paused"]
    signature: str | None
    last_http_code: int | None


class Switched(msgspec.Struct, frozen=True):
    """A webhook after it was paused or resumed."""

    webhook_id: str
    status: Literal["live", "paused"]
    type: str
    url: str
    signature: str | None


class CreatedOne(Answer, frozen=True):
    """The new webhook."""

    webhook: Created


class All(Answer, frozen=True):
    """Every webhook of the account, the oldest first."""

    webhooks: list[WebhookFields]


class Updated(Answer, frozen=True):
    """The webhook as it is now."""

    webhook: WebhookFields


class SwitchedOne(Answer, frozen=True):
    """The webhook as it is now."""

    webhook: Switched


class Deleted(Answer, frozen=True):
    """The webhook that is gone."""

    deleted_id: int


async def create(call: Call) -> CreatedOne:
    """Create a webhook."""
    wish = _wish(call)
    webhook = await call.use_cases.webhooks.create(
        call.account, type=_type(wish), url=_url(wish), signature=_signature(wish)
    )
    return CreatedOne(webhook=Created(str(webhook.id), webhook.type, webhook.url, webhook.signature))


async def all_of_account(call: Call) -> All:
    """List the webhooks."""
    found = call.use_cases.webhooks.list(call.account)
    return All(webhooks=[_fields(webhook) for webhook in found])


async def update(call: Call) -> Updated:
    """Change what a webhook listens to, its address and its secret."""
    webhook_id = call.id_of("webhook")
    wish = _wish(call)
    webhook = await call.use_cases.webhooks.update(
        call.account, webhook_id, type=_type(wish), url=_url(wish), signature=_signature(wish)
    )
    return Updated(webhook=_fields(webhook))


async def set_status(call: Call) -> SwitchedOne:
    """Pause a webhook or let it go on."""
    webhook_id = call.id_of("webhook")
    status = word(_wish(call).status, "webhook.status", ("live", "paused"))
    if status is None:
        raise BadData("is missing", field="webhook.status")
    webhook = await call.use_cases.webhooks.set_live(call.account, webhook_id, status == "live")
    fields = _fields(webhook)
    return SwitchedOne(webhook=Switched(fields.webhook_id, fields.status, fields.type, fields.url, fields.signature))


async def delete(call: Call) -> Deleted:
    """Delete a webhook; what was not delivered to it is given up."""
    webhook_id = call.id_of("webhook")
    await call.use_cases.webhooks.delete(call.account, webhook_id)
    return Deleted(deleted_id=webhook_id)


def _wish(call: Call) -> _Webhook:
    webhook = call.document.read(WebhookDocument).webhook
    if webhook is None:
        raise BadData("is missing", field="webhook")
    return webhook


def _type(wish: _Webhook) -> str:
    return required_text(wish.type, "webhook.type", max_characters=_MAX_TYPE_CHARACTERS)


def _url(wish: _Webhook) -> str:
    return required_text(wish.url, "webhook.url", max_characters=_MAX_URL_CHARACTERS)


def _signature(wish: _Webhook) -> str | None:
    return optional_text(wish.signature, "webhook.signature", max_characters=_MAX_SIGNATURE_CHARACTERS)


def _fields(webhook: Webhook) -> WebhookFields:
    return WebhookFields(
        webhook_id=str(webhook.id),
        type=webhook.type,
        url=webhook.url,
        status="live" if webhook.is_live else "paused",
        signature=webhook.signature,
        last_http_code=webhook.last_http_code,
    )
