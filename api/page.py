"""The page at `/docs`: the OpenAPI document as plain HTML, without script and without foreign addresses."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Described = Mapping[str, Any]


def page_of(openapi: Described, style: str, *, documents: Iterable[str]) -> str:
    links = " · ".join(f'<a href="/docs/{name}.json">{name}.json</a>' for name in documents)
    operations = "".join(
        operation(method, path, described)
        for path, methods in openapi["paths"].items()
        for method, described in methods.items()
    )
    shapes = "".join(shape(name, schema) for name, schema in sorted(openapi["components"]["schemas"].items()))
    title = escape(openapi["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f"<h1>{title}</h1><p>{links}</p><h2>Routes</h2>{operations}<h2>Shapes</h2>{shapes}</body></html>"
    )


def operation(method: str, path: str, described: Described) -> str:
    lock = " <small>needs an access token</small>" if described.get("security") else ""
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code>{lock}"
        f"<span>{escape(described['summary'])}</span></summary>"
        f"{parameters(described.get('parameters', []))}{body(described)}{answers(described)}</details>"
    )


def parameters(given: Iterable[Described]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}</td>"
        f"<td>{'required' if one['required'] else ''}</td><td>{code(one['schema'])}</td></tr>"
        for one in given
    )
    return f"<table>{rows}</table>" if rows else ""


def body(described: Described) -> str:
    if "requestBody" not in described:
        return ""
    return f"<p>Body: {type_of(described['requestBody'])}</p>"


def answers(described: Described) -> str:
    items = "".join(
        f"<li>{status}: {escape(answer['description'])} {type_of(answer)}</li>"
        for status, answer in described["responses"].items()
    )
    return f"<ul>{items}</ul>"


def type_of(described: Described) -> str:
    """A link to the shape that a body has; the media type of one that is not JSON."""
    content = described.get("content")
    if not content:
        return ""
    if "application/json" not in content:
        return escape(", ".join(content))
    name = escape(content["application/json"]["schema"]["$ref"].rpartition("/")[2])
    return f'<a href="#{name}">{name}</a>'


def shape(name: str, schema: Described) -> str:
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{code(schema)}</details>'
    )


def code(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
