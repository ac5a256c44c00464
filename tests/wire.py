"""Requests as bytes over a socket, and answers as they came back."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Shape: header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    @property
    def tree(self) -> Any:
        """The answer as texts, whichever syntax it is in."""
        if self.headers["content-type"].startswith("application/json"):
            return words(self.json)
        return xml_tree(self.body)


async def call(
    port: int, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Reply:
    """Send one request on a connection of its own and read the answer."""
    lines = {"Host": f"127.0.0.1:{port}", **(headers or {})}
    if body:
        lines.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        return await asyncio.wait_for(read_reply(reader), 30)
    finally:
        writer.close()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))  # a 204 has none
    return Reply(int(head[0].split()[1]), headers, body)


def words(value: Any) -> Any:
    """A JSON tree as XML can say it: scalars as words, an array of one as its item, nothing as the empty text."""
    if isinstance(value, dict):
        return {name: words(inner) for name, inner in value.items()} or ""
    if isinstance(value, list):
        items = [words(item) for item in value]
        return "" if not items else items[0] if len(items) == 1 else items
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def xml_tree(document: bytes) -> Any:
    """An XML document's tree, read by another parser than the product's."""
    root = ET.fromstring(document)
    assert root.tag == "response"
    return _children(root)


def _children(element: ET.Element) -> Any:
    if not len(element):
        return element.text or ""
    tree: dict[str, Any] = {}
    for child in element:
        node = _children(child)
        if child.tag not in tree:
            tree[child.tag] = node
        elif isinstance(tree[child.tag], list):
            tree[child.tag].append(node)
        else:
            tree[child.tag] = [tree[child.tag], node]
    return tree
