"""POST and GET /webhook, PUT and DELETE /webhook/:id, PUT /webhook/:id/status."""

import msgspec

from chappe.domain.errors import BadData
from chappe.manage.webhooks import Webhook
from chappe.surfaces.http.smsfactor.answers import Answer, Value
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


class _WebhookDocument(msgspec.Struct):
    webhook: _Webhook | None = None


async def create(call: Call) -> Answer:
    wish = _wish(call)
    webhook = await call.use_cases.webhooks.create(
        call.account, type=_type(wish), url=_url(wish), signature=_signature(wish)
    )
    return _answer(webhook, "webhook_id", "type", "url", "signature")


async def all_of_account(call: Call) -> Answer:
    found = call.use_cases.webhooks.list(call.account)
    return Answer({"webhooks": [_fields(webhook) for webhook in found]})


async def update(call: Call) -> Answer:
    webhook_id = call.id_of("webhook")
    wish = _wish(call)
    webhook = await call.use_cases.webhooks.update(
        call.account, webhook_id, type=_type(wish), url=_url(wish), signature=_signature(wish)
    )
    return _answer(webhook, "webhook_id", "type", "url", "status", "signature", "last_http_code")


async def set_status(call: Call) -> Answer:
    webhook_id = call.id_of("webhook")
    status = word(_wish(call).status, "webhook.status", ("live", "paused"))
    if status is None:
        raise BadData("is missing", field="webhook.status")
    webhook = await call.use_cases.webhooks.set_live(call.account, webhook_id, status == "live")
    return _answer(webhook, "webhook_id", "status", "type", "url", "signature")


async def delete(call: Call) -> Answer:
    webhook_id = call.id_of("webhook")
    await call.use_cases.webhooks.delete(call.account, webhook_id)
    return Answer({"deleted_id": webhook_id})


def _wish(call: Call) -> _Webhook:
    webhook = call.document.read(_WebhookDocument).webhook
    if webhook is None:
        raise BadData("is missing", field="webhook")
    return webhook


def _type(wish: _Webhook) -> str:
    return required_text(wish.type, "webhook.type", max_characters=_MAX_TYPE_CHARACTERS)


def _url(wish: _Webhook) -> str:
    return required_text(wish.url, "webhook.url", max_characters=_MAX_URL_CHARACTERS)


def _signature(wish: _Webhook) -> str | None:
    return optional_text(wish.signature, "webhook.signature", max_characters=_MAX_SIGNATURE_CHARACTERS)


def _answer(webhook: Webhook, *names: str) -> Answer:
    fields = _fields(webhook)
    return Answer({"webhook": {name: fields[name] for name in names}})


def _fields(webhook: Webhook) -> dict[str, Value]:
    return {
        "webhook_id": str(webhook.id),
        "type": webhook.type,
        "url": webhook.url,
        "status": "live" if webhook.is_live else "paused",
        "signature": webhook.signature,
        "last_http_code": webhook.last_http_code,
    }
