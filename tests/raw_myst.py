"""What of MyST a plain Markdown reader would show as it is written."""

import re

CODE = re.compile(r"^(?P<lead>[> ]*)(?P<marks>`{3,})(?!\{).*?^(?P=lead)(?P=marks)[ ]*$", re.M | re.S)
SPAN = re.compile(r"(?<!`)(?P<marks>`+)(?!`).+?(?<!`)(?P=marks)(?!`)")
RAW = {
    "role": re.compile(r"(?<!`)\{[a-z][\w:+.-]*\}`"),
    "directive": re.compile(r"^[> ]*(?:`{3,}|:{3,}|~{3,})\{[^}]*\}", re.M),
    "colon fence": re.compile(r"^[> ]*:{3,}", re.M),
    "option": re.compile(r"^[> ]*:[a-z-]+: ", re.M),
    "label": re.compile(r"^[> ]*\([\w-]+\)=", re.M),
    "labelled formula": re.compile(r"\$\$[ ]*\([\w-]+\)[ ]*$", re.M),
    "citation key": re.compile(r"(?<![\w/#=])[a-z]+(?:19|20)\d\d[a-z]+\w*"),
}


def raw(text: str) -> list[str]:
    """What is found, in words. Code may hold anything, but a role looks like code behind a word in braces."""
    plain = CODE.sub("", text)
    found = [
        f"{name}: {match[0]!r}" for name, pattern in RAW.items() if name != "citation key" for match in pattern.finditer(plain)
    ]
    plain = re.sub(r"\]\([^)]*\)|<https?:[^>]*>", "]", SPAN.sub("", plain))
    return found + [f"citation key: {match[0]!r}" for match in RAW["citation key"].finditer(plain)]
