"""What connects to a carrier of each kind."""

from typing import TypeVar

from chappe.carriers.connection import Address, Connection, Listener
from chappe.carriers.http.connection import HttpCarrier
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.options import CarrierOptions
from chappe.carriers.sandbox import SandboxCarrier, SandboxOptions
from chappe.carriers.smpp import SmppCarrier
from chappe.carriers.smpp_options import SmppOptions

T = TypeVar("T")


def connection_of(address: Address, options: CarrierOptions, listener: Listener[T]) -> Connection[T]:
    """What talks to a carrier; the caller starts it."""
    match options:
        case SmppOptions():
            return SmppCarrier(address, options, listener)
        case HttpOptions():
            return HttpCarrier(address, options, listener)
        case SandboxOptions():
            return SandboxCarrier(options, listener)
        case _:
            raise TypeError(f"no connection for {type(options).__name__}")
