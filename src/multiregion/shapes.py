"""What is wrong with JSON that somebody sent, or with a file of it, in words for people who do not know how it is read here."""

import re

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
BOUNDS = {">=": "at least", "<=": "at most"}
LIMIT = re.compile(r"Expected `(\w+)` (of length )?(>=|<=) (\S+)")
KIND = re.compile(r"Expected `(.+)`, got `(\w+)`")
NAMED = re.compile(r"Object (missing required|contains unknown) field `(.+)`")
PLACE = re.compile(r"(.*?) - at `\$\.?(.*)`", re.DOTALL)


def in_words(error: Exception) -> str:
    """What a decoder refuses; its own words where they are plain enough."""
    said = str(error)
    text, field = found.groups() if (found := PLACE.fullmatch(said)) else (said, "")
    field = field or "it"
    if found := LIMIT.fullmatch(text):
        kind, has_length, bound, limit = found.groups()
        if limit == "1" and has_length and bound == ">=":
            return f"{field} is empty"
        return f"{field} must be {BOUNDS[bound]} {limit}" + (" characters long" if kind == "str" else " long" if has_length else "")
    if found := KIND.fullmatch(text):
        wanted = " or ".join(KINDS.get(kind, kind) for kind in found[1].split(" | "))
        return f"{field} must be {wanted}, not {KINDS.get(found[2], found[2])}"
    if found := NAMED.fullmatch(text):
        what, name = found.groups()
        within = "" if field == "it" else f" in {field}"
        return f"{name} is missing{within}" if what.startswith("missing") else f"nothing is called {name}{within}"
    if " matching regex " in text:
        return f"{field} is not of the form that is wanted"
    return text if field == "it" else f"{field}: {text}"
