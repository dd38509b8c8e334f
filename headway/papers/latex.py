"""Text as TeX writes it, and back: accents, the characters TeX keeps for itself, dashes and quotes.

`decode(encode(text)) == text` for every tidied text. `encode` writes no brace that stands for itself: BibTeX counts even
``\\{``, so one alone would end a field early.
"""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307", '"': "\u0308",
    "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328", "b": "\u0331",
}  # fmt: skip
_OF_ACCENT = {mark: name for name, mark in _ACCENTS.items()}
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
}  # fmt: skip
_OF_LETTER = {letter: name for name, letter in _LETTERS.items() if letter not in "åÅ"} | {"å": "aa", "Å": "AA"}
_ESCAPED = "&%$#_"
_WRITTEN = {
    "\\": r"{\textbackslash}", "{": r"{\textbraceleft}", "}": r"{\textbraceright}", "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}", "–": "--", "—": "---", "“": "``", "”": "''",
}  # fmt: skip
_COMMANDS = _LETTERS | {
    "textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciitilde": "~", "textasciicircum": "^",
    "textendash": "–", "textemdash": "—", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘",
    "textquoteright": "’", "textquotesingle": "'", "textquotedbl": '"', "textasciigrave": "`", "ldots": "…", "dots": "…",
    "textellipsis": "…", "textregistered": "®", "texttrademark": "™", "copyright": "©", "textcopyright": "©", "pounds": "£",
    "S": "§", "P": "¶", "textless": "<", "textgreater": ">", "textbar": "|", "textunderscore": "_", "textdollar": "$",
    "textperiodcentered": "·", "textbullet": "•", "textdegree": "°", "textmu": "µ", "TeX": "TeX",
    "LaTeX": "LaTeX", "BibTeX": "BibTeX",
    "slash": "/", "guillemotleft": "«", "guillemotright": "»", "euro": "€", "texteuro": "€", "alpha": "α", "beta": "β",
    "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
    "infty": "∞", "times": "×", "cdot": "·", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "sim": "∼",
    "approx": "≈", "neq": "≠", "to": "→", "rightarrow": "→", "leftarrow": "←", "in": "∈", "nabla": "∇", "partial": "∂",
}  # fmt: skip


def encode(text: str) -> str:
    """`text` as LaTeX: plain ASCII where TeX has a command, UTF-8 for the rest (Greek, Chinese, ...)."""
    out: list[str] = []
    for n, c in enumerate(text):
        if c in _ESCAPED:
            out.append("\\" + c)
        elif c in _WRITTEN:
            # A dash after a dash would melt into a longer one.
            glued = out and c in "–—“”" and out[-1] and out[-1][-1] == _WRITTEN[c][0]
            out.append(("{}" if glued else "") + _WRITTEN[c])
        elif c in "-'`" and out and out[-1] and out[-1][-1] == c:
            out.append("{}" + c)
        elif c in _OF_LETTER:
            out.append(f"{{\\{_OF_LETTER[c]}}}")
        elif c.isascii():
            out.append(c)
        else:
            parts, after = unicodedata.normalize("NFD", c), text[n + 1 : n + 2]
            known = len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _OF_ACCENT
            if known and not unicodedata.combining(after or "a"):  # a second accent belongs to the same letter
                name = _OF_ACCENT[parts[1]]
                out.append(rf"{{\{name}{{{parts[0]}}}}}" if name.isalpha() else rf"{{\{name}{parts[0]}}}")
            else:
                out.append(c)
    return "".join(out)


def decode(text: str) -> str:
    """LaTeX as text: commands by what they print, braces gone, math in dollars by its letters where it has no more."""
    text = re.sub(r"\s+", " ", text)
    try:
        out, _ = _decode(text, 0, False)
    except RecursionError:  # hundreds of braces within each other mean nothing
        out = re.sub(r"[{}]", "", text)
    return unicodedata.normalize("NFC", out)


def _decode(text: str, at: int, inside: bool) -> tuple[str, int]:
    """The text from `at` on, up to the brace that closes where we are `inside` one; and where it goes on."""
    out: list[str] = []
    while at < len(text):
        c = text[at]
        if c == "{":
            part, at = _decode(text, at + 1, True)
            out.append(part)
        elif c == "}":
            at += 1
            if inside:
                return "".join(out), at
        elif c == "\\":
            part, at = _command(text, at)
            out.append(part)
        elif c == "$" and (end := text.find("$", at + 1)) > 0:
            out.append(_math(text[at + 1 : end]))
            at = end + 1
        elif c == "~":
            out.append(" ")
            at += 1
        else:
            found = re.compile(r"---|--|``|''").match(text, at)
            if found:
                out.append({"---": "—", "--": "–", "``": "“", "''": "”"}[found[0]])
                at = found.end()
            else:
                out.append(c)
                at += 1
    return "".join(out), at


def _command(text: str, at: int) -> tuple[str, int]:
    """What the command at `at` prints, and where the text goes on."""
    word = re.compile(r"\\([A-Za-z]+)\*?").match(text, at)
    name = word[1] if word else text[at + 1 : at + 2]
    after = word.end() if word else at + 2
    if name in _ACCENTS and (len(name) > 1 or not name.isalpha() or not text[after : after + 1].isalpha()):
        base, end = _argument(text, after)
        if base:
            base = base.replace("ı", "i").replace("ȷ", "j") if name not in "dcb" else base
            return base[0] + _ACCENTS[name] + base[1:], end
        if not name.isalpha():
            return ({"^": "^", "~": "~"}.get(name, "")), end
    if word:
        blank = re.compile(r" *").match(text, after)
        end = blank.end() if blank else after
        if name in _COMMANDS:
            return _COMMANDS[name], end
        return "", end  # \emph, \bf, ...: what they are applied to follows and stays
    return {"\\": " ", "-": "", "/": "", ",": " ", ";": " ", "!": ""}.get(name, name), after


def _argument(text: str, at: int) -> tuple[str, int]:
    """What an accent stands over: ``{e}``, ``e``, ``{\\i}``, ``\\i``."""
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] == "{":
        return _decode(text, at + 1, True)
    if text[at : at + 1] == "\\":
        return _command(text, at)
    return text[at : at + 1].replace("}", ""), at + (text[at : at + 1] not in ("}", ""))


def _math(formula: str) -> str:
    """A formula by its letters (``$\\alpha$`` is α, ``$k$`` is k), as it stands where it has more to it."""
    letters = re.sub(r"\\([A-Za-z]+) ?", lambda found: _COMMANDS.get(found[1], found[0]), formula)
    letters = re.sub(r"\\(?:mathrm|mathbf|mathcal|text)\{([^{}]*)\}", r"\1", letters)
    return letters if not re.search(r"[\\^_{}]", letters) else f"${formula}$"


_WORD_WITH_CAPITALS = re.compile(r"[^\s]+")


def encode_title(title: str) -> str:
    """A title as LaTeX, with braces round the words whose capitals BibTeX must not take away.

    In a title that writes most of its words with a capital, only those that have one further inside are meant (BERT,
    ReZero, GPT-2); in any other, all are.
    """
    words = title.split(" ")
    long = [word for word in words[1:] if len(word) > 3 and word[0].isalpha()]
    headline = sum(word[0].isupper() for word in long) * 2 > len(long)
    out = []
    for n, word in enumerate(words):
        capitals = [at for at, c in enumerate(word) if c != c.lower()]
        inner = any(at > 0 and word[at - 1].isalnum() for at in capitals) or (
            bool(capitals) and any(c.isdigit() for c in word)
        )
        meant = inner or (bool(capitals) and n > 0 and (not headline or len(word.strip(".,:;?!()")) == 1))
        out.append(f"{{{encode(word)}}}" if meant else encode(word))
    return " ".join(out)
