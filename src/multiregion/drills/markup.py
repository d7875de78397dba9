"""Pieces of HTML: tables, lists of facts, and marks that say with a shape and a word what they say with colour."""

from collections.abc import Iterable, Sequence
from html import escape

TICK = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2.5 8.5l3.7 3.7 7.3-8" stroke="currentColor" stroke-width="2"/></svg>'
CROSS = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 3.5l9 9m0-9l-9 9" stroke="currentColor" stroke-width="2"/></svg>'
BANG = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 2v7.5m0 2.7v2" stroke="currentColor" stroke-width="2.2"/></svg>'
DASH = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 8h9" stroke="currentColor" stroke-width="1.6"/></svg>'
SIGNS = {"good": TICK, "bad": CROSS, "warn": BANG, "none": DASH}


def says(tone: str, words: str) -> str:
    return f'<span class="says {tone}">{SIGNS[tone]}{escape(words)}</span>'


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """`columns`: title and class. The cells are HTML; the first of each row is its heading."""
    heads = "".join(
        f'<th scope="col" class="{kind}">{escape(title)}</th>' if title else f'<td class="{kind}"></td>' for title, kind in columns
    )
    body = ""
    for first, *others in rows:
        cells = "".join(f'<td class="{kind}">{cell}</td>' for cell, (_, kind) in zip(others, columns[1:], strict=True))
        body += f'<tr><th scope="row" class="{columns[0][1]}">{first}</th>{cells}</tr>'
    words = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide" tabindex="0"><table>{words}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, both plain text. Those without a value are left out."""
    return '<dl class="facts">' + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs if value) + "</dl>"


def section(anchor: str, title: str, lead: str, *parts: str) -> str:
    words = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(title)}</h2>{words}{"".join(parts)}</section>'


def bullets(texts: Iterable[str], kind: str = "") -> str:
    return f'<ul class="plain {kind}">' + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"
