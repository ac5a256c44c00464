"""What opens the demo account: the secrets are stored nowhere else, so the demo keeps its own in files."""

import os
import secrets
from pathlib import Path
from typing import Final

from chappe.domain.accounts import Account
from chappe.domain.bind_users import MAX_PASSWORD, BindOptions
from chappe.domain.errors import BadData, Refusal
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.session import actor

SYSTEM_ID: Final = "demo"


async def token(chappe: Chappe, account: Account) -> str:
    """The demo token."""
    path = chappe.settings.data / "demo-token"
    if path.exists():
        known = path.read_text().strip()
        try:
            chappe.use_cases.tokens.authenticate(known, None)
        except Refusal:
            pass  # it was deleted: make another
        else:
            return known
    issued = await chappe.use_cases.tokens.create(account, "demo", None, None)
    _keep(path, issued.token)
    return issued.token


async def bind_password(chappe: Chappe, account: Account) -> str:
    """The password of the demo's bind user, who is made when he is not there."""
    path = chappe.settings.data / "demo-bind"
    known = path.read_text().strip() if path.exists() else ""
    password = known or secrets.token_urlsafe(MAX_PASSWORD)[:MAX_PASSWORD]
    try:
        await chappe.binds.create(account, SYSTEM_ID, password, BindOptions(), actor())
    except BadData:  # he is there
        if not known:
            await chappe.binds.change(SYSTEM_ID, {}, password, actor())
    if not known:
        _keep(path, password)
    return password


def _keep(path: Path, secret: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret + "\n")
