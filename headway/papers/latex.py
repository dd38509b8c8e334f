"""Text as TeX writes it, and back: accents, the characters TeX keeps for itself, dashes and quotes.

`decode(encode(text)) == text` for every tidied text. `encode` writes no brace that stands for itself: BibTeX counts even
``\\{``, so one alone would end a field early.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from headway.base.paper import tidy

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307", '"': "\u0308",
    "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328", "b": "\u0331",
}  # fmt: skip
_OF_ACCENT = {mark: name for name, mark in _ACCENTS.items()}
_ACCENTS |= {
    "textcommabelow": "\u0326", "cb": "\u0326", "h": "\u0309", "G": "\u030f", "f": "\u0311", "textogonekcentered": "\u0328",
    "t": "", "tilde": "\u0303",
}  # fmt: skip
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
    "imath": "ı", "jmath": "ȷ", "less": "<", "greater": ">", "lt": "<", "gt": ">", "quad": " ",
    "qquad": " ", "newline": " ", "par": " ", "linebreak": " ", "space": " ", "nobreakspace": " ", "textvisiblespace": " ",
    "degree": "°", "circ": "°", "textnumbersign": "#", "textpercent": "%", "textampersand": "&", "textasteriskcentered": "*",
    "ast": "*", "star": "⋆", "prime": "′", "vert": "|", "mid": "|", "textexclamdown": "¡", "textquestiondown": "¿",
    "textsection": "§", "textparagraph": "¶", "textordfeminine": "ª", "textordmasculine": "º", "textonehalf": "½",
    "textonequarter": "¼", "textthreequarters": "¾", "texttimes": "×", "textdiv": "÷", "div": "÷", "textpm": "±",
    "textminus": "−", "textsterling": "£", "textyen": "¥", "textcent": "¢", "quotesinglbase": "‚", "quotedblbase": "„",
    "guilsinglleft": "‹", "guilsinglright": "›", "textsuperscript": "", "ddag": "‡", "dag": "†", "textdagger": "†",
    "cdots": "⋯", "dotsc": "…",
    "forall": "∀", "exists": "∃", "emptyset": "∅", "cup": "∪", "cap": "∩", "subset": "⊂", "subseteq": "⊆", "oplus": "⊕",
    "otimes": "⊗", "equiv": "≡", "propto": "∝", "ll": "≪", "gg": "≫", "mp": "∓", "sum": "∑", "prod": "∏", "int": "∫",
    "Rightarrow": "⇒", "leftrightarrow": "↔", "Leftrightarrow": "⇔", "mapsto": "↦", "hbar": "ℏ", "langle": "⟨", "rangle": "⟩",
    "backslash": "\\", "lbrace": "{", "rbrace": "}", "colon": ":", "dotsb": "…", "notin": "∉", "setminus": "∖", "wedge": "∧",
    "vee": "∨", "neg": "¬", "perp": "⊥", "parallel": "∥", "omicron": "ο", "vartheta": "ϑ", "varrho": "ϱ",
    "textalpha": "α", "textbeta": "β", "textgamma": "γ", "textdelta": "δ", "textepsilon": "ε", "textlambda": "λ", "textpi": "π",
    "textsigma": "σ", "textomega": "ω", "textphi": "φ",
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
    text = " ".join(text.split())
    if not _SPECIAL.search(text):
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", _Tex(text).read(0, len(text), 0))


_LETTER_AND_SPACE = re.compile(rf"\\({'|'.join(_LETTERS)}) +(?=[^\W\d_]|[\\{{'`-])(?!and )")


def letters_joined(text: str) -> str:
    r"""`text` without the spaces that end a command for a letter, and print nothing: ``S\o ren`` is one word.

    >>> letters_joined(r"Bj\o rn \AA s")
    'Bj{\\o}rn {\\AA}s'
    """
    return _LETTER_AND_SPACE.sub(r"{\\\1}", text)


def decode_address(text: str) -> str:
    r"""The address, DOI or id that is written in a field: what people and programs escape for TeX undone, nothing else.

    >>> decode_address(r"10.1007/978-3-319-24574-4{\_}28"), decode_address(r"\url{http://a.edu/\~{}me}")
    ('10.1007/978-3-319-24574-4_28', 'http://a.edu/~me')
    """
    text = re.sub(r"\s*\n\s*", "", text.strip())
    if "\\" not in text and "{" not in text and "$" not in text:
        return text
    text = re.sub(r"^\{*\\(?:href|hyperref)\s*\{([^{}]*)\}.*$", r"\1", text, flags=re.DOTALL)
    text = re.sub(r"\$\s*(\\(?:[A-Za-z]+|[_&%#~]))\s*(?:\{\})?\s*\$", r"\1{}", text)
    text = re.sub(r"\$([<>_])\$", r"\1", text)
    text = re.sub(
        r"\\([A-Za-z]+) ?(?:\{\})?|\\([~^'`\"=.])(?:\{\s*\})?|\\(.)",
        lambda found: _IN_ADDRESS.get(found[1], "") if found[1] else {"-": ""}.get(found[3], found[2] or found[3]),
        text,
    )
    return re.sub(r"[{}]", "", text).strip()


_IN_ADDRESS = {
    "textasciitilde": "~", "sim": "~", "textunderscore": "_", "textbackslash": "\\", "textless": "<", "textgreater": ">",
    "less": "<", "greater": ">", "lt": "<", "gt": ">", "textbar": "|", "vert": "|", "textasciicircum": "^", "textdollar": "$",
    "textpercent": "%", "slash": "/", "textendash": "–", "textquotesingle": "'", "textnumbersign": "#", "textampersand": "&",
}  # fmt: skip
_SPECIAL = re.compile(r"[\\{}$~]|--|``|''")
_RUN = re.compile(r"[^\\{}$~`'-]+")
_LIGATURES = {"---": "—", "--": "–", "``": "“", "''": "”"}
_LIGATURE = re.compile(r"---|--|``|''")
_DEEPEST = 30
"""Arguments of commands within each other; deeper ones mean nothing."""


class _Tex:
    """One text in LaTeX, with the place of the brace that closes each: read in one pass, however its braces lie."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.close: dict[int, int] = {}
        self.last = text.rfind("\\)")
        open_: list[int] = []
        for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
            if found[0] == "{":
                open_.append(found.start())
            elif found[0] == "}" and open_:
                self.close[open_.pop()] = found.start()

    def read(self, at: int, end: int, depth: int) -> str:
        """What the text from `at` to `end` prints."""
        out: list[str] = []
        text = self.text
        while at < end:
            if run := _RUN.match(text, at, end):
                out.append(run[0])
                at = run.end()
                continue
            c = text[at]
            if c == "\\":
                part, at = self.command(at, end, depth)
                out.append(part)
            elif c == "$":
                part, at = self._dollars(at, end)
                out.append(part)
            elif c == "~":
                out.append(" ")
                at += 1
            elif c in "{}":
                at += 1
            else:
                found = _LIGATURE.match(text, at, end)
                out.append(_LIGATURES[found[0]] if found else c)
                at = found.end() if found else at + 1
        return "".join(out)

    def command(self, at: int, end: int, depth: int) -> tuple[str, int]:
        """What the command at `at` prints, and where the text goes on."""
        text = self.text
        word = _WORD.match(text, at, end)
        name = word[1] if word else text[at + 1 : min(at + 2, end)]
        after = word.end() if word else min(at + 2, end)
        if depth > _DEEPEST:
            return "", after
        if name in _ACCENTS:
            base, stop = self._argument(after, end, depth)
            if base and not base[0].isspace():
                base = base.replace("ı", "i").replace("ȷ", "j") if name not in "dcb" else base
                return base[0] + _ACCENTS[name] + base[1:], stop
            return ({"^": "^", "~": "~"}.get(name, "") + base, stop) if not name.isalpha() else (base, stop)
        if not word:
            if name == "(":
                stop = text.find("\\)", after, end) if after < self.last else -1
                return (_math(text[after:stop]), stop + 2) if stop >= 0 else ("", after)
            return _SYMBOLS.get(name, name), after
        if name in _OWN_ARGUMENTS:
            return self._with_arguments(name, after, end, depth)
        while text[after : after + 1] == " " and after < end:
            after += 1
        return _COMMANDS.get(name, ""), after  # \emph, \bf, ...: what they are applied to follows and stays

    def _with_arguments(self, name: str, at: int, end: int, depth: int) -> tuple[str, int]:
        """A command some of whose arguments are not printed, or not as they stand."""
        if self.text[at : at + 1] == "[" and (stop := self.text.find("]", at, end)) > 0:
            at = stop + 1
        kept = ""
        for use in _OWN_ARGUMENTS[name]:
            start = at
            while self.text[start : start + 1] == " ":
                start += 1
            stop = self.close.get(start)
            if stop is None or stop >= end:
                break
            if use == "keep":
                kept += self.read(start + 1, stop, depth + 1)
            elif use == "address":
                kept += decode_address(self.text[start + 1 : stop])
            elif use == "math":
                kept += _math(self.text[start + 1 : stop])
            elif use == "quote":
                kept += f"“{self.read(start + 1, stop, depth + 1)}”"
            at = stop + 1
        return kept, at

    def _argument(self, at: int, end: int, depth: int) -> tuple[str, int]:
        """What an accent stands over: ``{e}``, ``e``, ``{\\i}``, ``\\i``."""
        text = self.text
        while text[at : at + 1] == " " and at < end:
            at += 1
        if at >= end or text[at] in "}$":
            return "", at
        if text[at] == "{":
            stop = self.close.get(at)
            if stop is None or stop >= end or depth > _DEEPEST:
                return "", at + 1
            return self.read(at + 1, stop, depth + 1), stop + 1
        if text[at] == "\\":
            return self.command(at, end, depth + 1)
        return text[at], at + 1

    def _dollars(self, at: int, end: int) -> tuple[str, int]:
        """The formula that the dollar at `at` opens; a dollar that none closes stands for itself."""
        wide = 2 if self.text.startswith("$$", at) else 1
        found = _FORMULA.match(self.text, at + wide, end)
        if found is None:
            return "$" * wide, at + wide
        stop = found.end() + (1 if self.text.startswith("$", found.end(), end) and wide == 2 else 0)
        return _math(found[1]), stop


_WORD = re.compile(r"\\([A-Za-z]+)\*?")
_FORMULA = re.compile(r"((?:[^$\\]|\\.)*)\$", re.DOTALL)
_SYMBOLS = {
    "\\": " ",
    "-": "",
    "/": "",
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    "@": "",
    " ": " ",
    ")": "",
    "[": "",
    "]": "",
}
_OWN_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "href": ("drop", "keep"), "textcolor": ("drop", "keep"), "colorbox": ("drop", "keep"), "foreignlanguage": ("drop", "keep"),
    "texorpdfstring": ("drop", "keep"), "hypertarget": ("drop", "keep"), "hyperlink": ("drop", "keep"),
    "raisebox": ("drop", "keep"), "hyperref": ("keep",), "url": ("address",), "path": ("address",), "nolinkurl": ("address",),
    "enquote": ("quote",), "ensuremath": ("math",),
    **dict.fromkeys(
    (
        "footnote", "footnotemark", "thanks", "cite", "citep", "citet", "label", "ref", "vspace", "hspace", "index", "color",
        "fontencoding", "fontfamily", "fontshape", "fontseries", "usefont", "selectlanguage", "includegraphics", "begin", "end",
        "phantom", "hphantom", "vphantom", "vskip", "hskip",
    ),
        ("drop",),
    ),
}  # fmt: skip
_OF_MATH_ACCENT = {
    "tilde": "\u0303", "hat": "\u0302", "acute": "\u0301", "grave": "\u0300", "ddot": "\u0308", "dot": "\u0307", "bar": "\u0304",
    "breve": "\u0306", "check": "\u030c", "mathring": "\u030a", "widetilde": "\u0303", "widehat": "\u0302", "overline": "\u0304",
}  # fmt: skip
_FONTS = {
    "mathrm", "mathbf", "mathit", "mathcal", "mathsf", "mathtt", "mathbb", "mathfrak", "boldsymbol", "bm", "pmb", "mathnormal",
    "text", "textrm", "textbf", "textit", "textsf", "texttt", "textsc", "textnormal", "mbox", "hbox", "operatorname", "rm", "bf",
    "it", "sf", "tt", "cal", "left", "right", "big", "Big", "displaystyle", "textstyle", "scriptstyle", "emph", "ensuremath",
    "mathop", "limits", "nolimits",
}  # fmt: skip
_FUNCTIONS = {
    "log", "ln", "exp", "sin", "cos", "tan", "max", "min", "arg", "argmax", "argmin", "lim", "sup", "inf", "det", "dim", "ker",
    "deg", "gcd", "mod", "Pr", "tanh", "sinh", "cosh", "lg",
}  # fmt: skip
_HIGH = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOW = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_BESIDE = re.compile(r"\s*([\^_])\s*(?:\{([^{}]*)\}|\\circ|(\w))\s*")
_MATH_TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|([{}^_])|[^\\{}^_]+", re.DOTALL)
_SPACES = {",": " ", ";": " ", ":": " ", "!": "", " ": " ", "\\": " "}


def _math(formula: str) -> str:
    """A formula as text: by its letters (``$\\alpha$`` is α, ``a$\\tilde{o}$`` is õ), a power or index alone as such.

    One that has more to it (``$x^2$``) stays as it is written.
    """
    raw = f"${formula}$"
    if alone := _BESIDE.fullmatch(formula):
        inner = alone[2] if alone[2] is not None else alone[3] or "\\circ"
        inner = re.sub(r"\\(?:math|text)?(?:rm|sf|it|bf|up)\b\s*", "", inner).strip()
        if inner == "\\circ" or inner == "\\degree":
            return "°"
        if re.fullmatch(r"[0-9+=()-]+", inner):
            return inner.translate(_HIGH if alone[1] == "^" else _LOW)
        return inner if re.fullmatch(r"[A-Za-z]{2,}", inner) else raw
    out: list[str] = []
    accent, ended = "", False  # the accent that waits for its letter; whether a blank only ends the word of a command
    for found in _MATH_TOKEN.finditer(formula.replace("^{\\circ}", "°").replace("^\\circ", "°")):
        word, symbol, mark = found[1], found[2], found[3]
        if mark:
            if mark in "^_":
                return raw
            continue
        if word is None:
            part = found[0] if symbol is None else _SPACES.get(symbol, symbol)
            part, ended = part.lstrip() if ended and part.strip() else part, False
        elif word in _OF_MATH_ACCENT:
            if accent:
                return raw
            accent = _OF_MATH_ACCENT[word]
            continue
        elif word in _FUNCTIONS:
            part = word
        elif word in _FONTS:
            ended = True
            continue
        elif word in _COMMANDS:
            part = _COMMANDS[word]
            part = {"ı": "i", "ȷ": "j"}.get(part, part) if accent else part
            ended = part.isalpha()
        else:
            return raw
        if accent and (part := part.lstrip()):
            if not part[0].isalpha():
                return raw
            part, accent = part[0] + accent + part[1:], ""
        out.append(part)
    return raw if accent else "".join(out).replace("~", " ")


def protected_words(title: str) -> tuple[str, ...]:
    """The words of a title in BibTeX that stand, whole or in part, in braces that keep BibTeX from changing their capitals.

    Words within one pair of braces come as one. What `encode_title` would protect by itself is left out.

    >>> protected_words("Exact {G}aussian processes and {Monte Carlo} for {BERT}")
    ('Gaussian', 'Monte Carlo')
    """
    if "{" not in title:
        return ()
    marked = tidy(decode(_with_marks(" ".join(title.split()))).replace("\x02", _OPENED).replace("\x03", _CLOSED))
    words = marked.split()
    bare = [word.replace(_OPENED, "").replace(_CLOSED, "") for word in words]
    meant = _meant(bare)
    found: list[str] = []
    start, open_ = None, False
    for n, word in enumerate(words):
        if start is None and (open_ or _OPENED in word):
            start = n
        if (last := max(word.rfind(_OPENED), word.rfind(_CLOSED))) >= 0:
            open_ = word[last] == _OPENED
        if start is not None and (not open_ or n == len(words) - 1):
            some = [word for word in bare[start : n + 1] if word]
            text = " ".join(some)
            if text != text.lower() and (len(some) > 1 or not meant[n]):
                found.append(text)
            start = None
    return tuple(dict.fromkeys(found))


_OPENED, _CLOSED = "\u2402", "\u2403"
"""Stand for the braces while a title is decoded: the pictures of two control characters, which no title has."""


def _with_marks(title: str) -> str:
    """A title with a mark behind every brace that protects and before the one that closes it."""
    tex, parts, at, math = _Tex(title), [], 0, False
    for found in re.finditer(r"\\[A-Za-z]+\*?\s*|\\.|[{$]", title):
        if found.start() < at:
            continue
        if found[0] == "$":
            math = not math
        elif found[0] == "{" and not math and (stop := tex.close.get(found.start())) is not None:
            inside = title[found.start() + 1 : stop]
            before = title[at : found.start()]
            special = not inside or inside.startswith("\\") or re.search(r"\\(?:[^A-Za-z]|[A-Za-z]+\*?)\s*$", before)
            parts += [before, f"{{{inside}}}" if special else f"{{\x02{inside}\x03}}"]
            at = stop + 1
    return "".join([*parts, title[at:]])


def _meant(words: Sequence[str]) -> list[bool]:
    """Which words of a title have capitals that BibTeX must not take away, as far as the title itself shows.

    In a title that writes most of its words with a capital, only those that have one further inside are meant (BERT,
    ReZero, GPT-2); in any other, all are.
    """
    long = [word for word in words[1:] if len(word) > 3 and word[0].isalpha()]
    headline = sum(word[0].isupper() for word in long) * 2 > len(long)
    out = []
    for n, word in enumerate(words):
        capitals = [at for at, c in enumerate(word) if c != c.lower()]
        inner = any(at > 0 and word[at - 1].isalnum() for at in capitals) or (
            bool(capitals) and any(c.isdigit() for c in word)
        )
        out.append(inner or (bool(capitals) and n > 0 and (not headline or len(word.strip(".,:;?!()")) == 1)))
    return out


def encode_title(title: str, protected: Collection[str] = ()) -> str:
    """A title as LaTeX, with braces round the words whose capitals BibTeX must not take away, and round `protected` ones."""
    words = title.split(" ")
    ends: dict[int, int] = {}
    for run in (text.split(" ") for text in protected):
        for n in range(len(words) - len(run) + 1):
            if words[n : n + len(run)] == run:
                ends[n] = max(ends.get(n, 0), n + len(run))
    meant, out, n = _meant(words), [], 0
    while n < len(words):
        stop = ends.get(n, n + 1)
        text = encode(" ".join(words[n:stop]))
        out.append(f"{{{text}}}" if n in ends or meant[n] else text)
        n = stop
    return " ".join(out)
