"""From a run to its parts: which operations belong to one box, and what flows from box to box.

Everything here comes from the run and the module tree: the order of the boxes, what is added to what, how often a block is
repeated. Only the names of the boxes are given.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import nn

from headway.look.operations import HOME, Operation, Recording

Kind = Literal[
    "input",
    "output",
    "embed",
    "position",
    "norm",
    "attention",
    "cross",
    "mlp",
    "mixer",
    "residual",
    "sum",
    "head",
    "other",
]

NAMES: dict[str, tuple[str, Kind]] = {
    "embed": ("token embedding", "embed"),
    "target_embed": ("target embedding", "embed"),
    "segment": ("segment embedding", "embed"),
    "patches": ("patch embedding", "embed"),
    "class_token": ("class token", "embed"),
    "mask_token": ("mask token", "embed"),
    "registers": ("registers", "embed"),
    "embed_return": ("embed returns", "embed"),
    "embed_state": ("embed states", "embed"),
    "embed_action": ("embed actions", "embed"),
    "conv1": ("convolution", "embed"),
    "conv2": ("convolution, stride 2", "embed"),
    "position": ("positions", "position"),
    "frame_position": ("positions", "position"),
    "time": ("time in the episode", "position"),
    "encoder_bias": ("distance bias", "position"),
    "decoder_bias": ("distance bias", "position"),
    "sinusoids": ("sinusoids", "position"),
    "sinusoids_in_halves": ("sinusoids", "position"),
    "angles": ("rotary angles", "position"),
    "rotary_angles": ("rotary angles", "position"),
    "angles_at": ("rotary angles", "position"),
    "rotary_frequencies": ("rotary frequencies", "position"),
    "stretch": ("stretched waves", "position"),
    "rotate": ("rotate", "position"),
    "rotate_interleaved": ("rotate", "position"),
    "buckets": ("distance buckets", "position"),
    "attn": ("attention", "attention"),
    "cross": ("cross attention", "cross"),
    "mlp": ("MLP", "mlp"),
    "mixer": ("mixer", "mixer"),
    "retention": ("retention", "mixer"),
    "ahead": ("GRU, forwards", "mixer"),
    "back": ("GRU, backwards", "mixer"),
    "begin": ("first state", "mixer"),
    "cell": ("GRU cell", "mixer"),
    "key": ("keys", "attention"),
    "query": ("query", "attention"),
    "score": ("scores", "attention"),
    "look": ("look at the states", "attention"),
    "align": ("softmax, weighted sum", "attention"),
    "additive_scores": ("additive scores", "attention"),
    "dot_scores": ("dot scores", "attention"),
    "join": ("join", "attention"),
    "deep": ("maxout", "mlp"),
    "up": ("up", "mlp"),
    "gate": ("gate", "mlp"),
    "down": ("down", "mlp"),
    "router": ("router", "mlp"),
    "experts": ("experts", "mlp"),
    "projector": ("projector", "mlp"),
    "head": ("head", "head"),
    "mlm": ("word head", "head"),
    "nsp": ("next sentence?", "head"),
    "pool": ("pooler", "head"),
    "classify": ("classifier", "head"),
    "map": ("map head", "head"),
    "to_action": ("action", "head"),
    "to_state": ("next state", "head"),
    "to_return": ("next return", "head"),
    "vision_out": ("project", "head"),
    "text_out": ("project", "head"),
    "temperature": ("temperature", "head"),
    "cap": ("cap", "head"),
    "offset": ("offset", "embed"),
    "scan": ("selective scan", "mixer"),
    "ssd": ("state space", "mixer"),
    "diagonal": ("state space", "mixer"),
    "causal_conv": ("short convolution", "mixer"),
    "retain": ("decaying sum", "mixer"),
    "expand": ("expand", "mixer"),
    "select": ("select Δ, B, C", "mixer"),
    "step": ("step Δ", "mixer"),
    "gru": ("GRU over time", "mixer"),
    "lstm": ("LSTM over time", "mixer"),
    "gru_step": ("GRU step", "mixer"),
    "q": ("queries", "attention"),
    "k": ("keys", "attention"),
    "v": ("values", "attention"),
    "kv": ("keys, values", "attention"),
    "qkv": ("queries, keys, values", "attention"),
    "out": ("out", "attention"),
}
"""Name of a module, a parameter or a function of ours -> what its box is called, and its kind."""

GLUE = frozenset(
    [
        "view",
        "reshape",
        "transpose",
        "permute",
        "chunk",
        "split",
        "unbind",
        "unflatten",
        "flatten",
        "to",
        "type",
        "float",
        "double",
        "half",
        "__getitem__",
        "unsqueeze",
        "squeeze",
        "expand",
        "expand_as",
        "contiguous",
        "flip",
        "detach",
        "t",
        "T",
        "__get__",
        "dropout",
        "repeat_interleave",
        "clone",
        "narrow",
        "select",
        "index_select",
        "roll",
        "movedim",
        "new_zeros",
        "zeros_like",
        "new_ones",
        "ones_like",
        "zeros",
        "ones",
        "arange",
        "tensor",
        "empty",
        "full",
        "new_empty",
        "size",
        "shape",
        "type_as",
        "view_as",
        "view_as_real",
        "view_as_complex",
        "complex",
        "normalize",
        "amax",
        "mean",
        "pad",
        "masked_fill",
        "eq",
        "ne",
        "lt",
        "gt",
        "le",
        "ge",
        "__and__",
        "__or__",
        "__invert__",
        "__eq__",
        "argmax",
        "int",
        "bool",
        "cumsum",
        "sum",
        "where_places",
        "nonzero",
        "long",
        "neg",
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "square",
        "pow",
        "clamp",
        "silu",
        "relu",
        "gelu",
        "tanh",
        "sigmoid",
        "softplus",
        "glu",
        "softmax",
        "topk",
    ]
)
"""Operations that take one stream on: they belong to the box that made it."""

ACTIVE = {
    "silu": "SiLU",
    "relu": "ReLU",
    "gelu": "GELU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "glu": "GLU",
}
"""Of those, what gets a box of its own when the part that it is in is opened."""

JOINS = {
    "add": "+",
    "__add__": "+",
    "__radd__": "+",
    "__iadd__": "+",
    "sub": "−",
    "mul": "×",
    "__mul__": "×",
    "__rmul__": "×",
    "matmul": "·",
    "__matmul__": "·",
    "cat": "join",
    "stack": "join",
    "where": "replace",
    "masked_scatter": "put in place",
    "index_add": "+",
}
"""Operations that bring several streams together, and their signs."""

PRODUCTS = ("matmul", "__matmul__", "einsum")
INNER = ("q", "k", "v", "kv", "qkv", "out", "gate", "up", "down", "expand", "select", "step", "input", "state")
OPENED = ("attention", "mlp", "mixer", "cross")


@dataclass
class Part:
    """One box.

    Attributes:
        key: Its name in the picture: the module's path, or the function's place.
        label, kind: What it is called and what it is.
        path: The module or parameter; "" where it is a function or a sum.
        code: The file and line, under headway/.
        size: Its widths, in words.
        parameters: Of all its repetitions; `each` of one.
        group: The list of blocks that it is in, with the number of the first one ("blocks.0"), None if in none.
        column: 0 or 1, where there are two towers; 2 below both.
        kinds: Every kind inside.
    """

    key: str
    label: str
    kind: Kind
    path: str = ""
    code: str = ""
    size: str = ""
    parameters: int = 0
    each: int = 0
    group: str | None = None
    column: int = 0
    kinds: frozenset[str] = frozenset()
    last: int = 0
    notes: list[str] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)
    sides: frozenset[int] = frozenset()


@dataclass
class Wiring:
    """All boxes in the order in which they are done, what flows where, and which blocks are repeated how often.

    Attributes:
        parts: Box's key -> box.
        arrows: (from, to, what): "flow", "residual", "cross" or "back" (what one step hands to the next).
        groups: A list's first block -> how many such blocks follow each other.
        total: Parameters of the model.
        idle: Parameters that the run never touched: module or parameter -> how many.
        columns: 1, or 2 where an encoder or a second tower stands beside.
    """

    parts: dict[str, Part]
    arrows: list[tuple[str, str, str]]
    groups: dict[str, int]
    total: int
    idle: dict[str, int]
    columns: int


class Wirer:
    """Sorts a run's operations into boxes, at one level of detail: 1 blocks, 2 inside a block, 3 inside some parts of a block."""

    def __init__(self, run: Recording, level: int, opened: tuple[str, ...] = ()):
        self.run, self.level, self.opened = run, level, opened
        self.modules = dict(run.model.named_modules())
        self.ops = run.operations
        self.items = {
            f"{name}.{n}" if name else str(n): name
            for name, module in self.modules.items()
            if isinstance(module, nn.ModuleList)
            for n in range(len(module))
        }
        self.users: dict[int, list[int]] = defaultdict(list)
        for op in self.ops:
            for source in op.takes:
                self.users[source].append(op.number)
        self.inputs = [op.number for op in self.ops if op.name == "input"]
        self._pick()
        self._reach()

    # ---------------------------------------------------------------- what depends on what

    def _pick(self) -> None:
        """Where several streams are laid end to end and then one place is taken, only the stream of that place flows on."""
        for op in self.ops:
            places = {self.ops[user].picks for user in self.users[op.number]}
            if op.name != "cat" or len(places) != 1 or None in places:
                continue
            place, start = next(iter(places)) or 0, 0
            lengths = [shape[1] if len(shape) > 2 else 0 for shape in op.shapes]
            if sum(lengths) != op.shape[1]:
                continue
            for source, length in zip(op.takes, lengths, strict=True):
                if start <= place < start + length:
                    op.takes = (source,)
                    break
                start += length

    def _reach(self) -> None:
        """For each operation, the inputs it depends on."""
        self.deps: list[frozenset[int]] = []
        for op in self.ops:
            own = frozenset((op.number,)) if op.name == "input" else frozenset()
            self.deps.append(own.union(*(self.deps[source] for source in op.takes)))
        # What depends on no input (a table of positions) belongs to the side that uses it.
        self.side = list(self.deps)
        for op in reversed(self.ops):
            if not self.side[op.number] and self.users[op.number]:
                self.side[op.number] = self.side[self.users[op.number][0]]

    def constant(self, number: int) -> bool:
        """Whether it holds nothing learned and nothing from outside: numbers of places, zeros, masks of them."""
        op = self.ops[number]
        if op.name in ("input", "parameter", "buffer"):
            return False
        if self.key_of_module(op.path) or self._function(op):
            return False
        return all(self.constant(source) for source in op.takes)

    # ---------------------------------------------------------------- which box

    def closed(self, path: str) -> bool:
        """Whether the module at `path` is one box at this level."""
        module = self.modules[path]
        if path == "":
            return False
        if path in self.items:
            return (
                self.level < 2 or not any(child in NAMES for child, _ in module.named_children()) or "experts" in path
            )
        if not any(True for _ in module.children()) and not isinstance(module, nn.ModuleList):
            return True
        kind = self.kind(path)
        if kind in OPENED:
            return not (self.level >= 3 and kind in self.opened)
        name = path.rsplit(".", 1)[-1]
        return (name in NAMES and NAMES[name][1] != "other") or name.endswith("norm") or name == "norm"

    def key_of_module(self, path: str) -> str | None:
        """The box that holds the module or parameter `path`: the outermost closed module on the way to it."""
        parts = path.split(".") if path else []
        for n in range(1, len(parts) + 1):
            prefix = ".".join(parts[:n])
            if prefix in self.modules and self.closed(prefix):
                module = self.modules[prefix]
                return None if isinstance(module, nn.Identity | nn.Dropout) else prefix
        return None

    def kind(self, path: str) -> Kind:
        name = path.rsplit(".", 1)[-1]
        if name == "norm" or name.endswith("norm"):
            return "norm"
        if name in INNER:  # a part of a part is what the part is
            parts = path.split(".")[:-1]
            for n in range(len(parts), 0, -1):
                whole = NAMES.get(parts[n - 1], ("", "other"))[1]
                if whole in OPENED:
                    return whole
        return NAMES.get(name, ("", "other"))[1]

    def _function(self, op: Operation) -> str | None:
        """The function of ours that an operation is part of, if that gets a box: it works on numbers and is not glue alone."""
        if op.function is None or op.function[0] in PASSES:
            return None
        return op.function[0]

    def _owner(self, number: int) -> int | None:
        """The parameter or buffer that an operation only hands on (a row of it, its transpose)."""
        op = self.ops[number]
        if op.name in ("parameter", "buffer"):
            return number
        if op.name in GLUE and len(op.takes) and not self.key_of_module(op.path) and not self.deps[number]:
            return self._owner(op.takes[0])
        return None

    def sort(self) -> Wiring:
        """Put every operation into a box."""
        self.box: dict[int, tuple[str, ...]] = {}
        self.parts: dict[str, Part] = {}
        self.edges: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self.owned: dict[str, str] = {}  # parameter -> box
        self.at: dict[str, frozenset[int]] = {}  # join -> the inputs it depends on
        self._roles()
        self._twice()
        self._lent()
        for op in self.ops:
            self._place(op)
        self._outputs()
        self._own()
        return self._wired()

    def _twice(self) -> None:
        """Modules that both towers call, such as a shared embedding: each tower shows its own."""
        sides: dict[str, set[frozenset[int]]] = defaultdict(set)
        for op in self.ops:
            if op.name == "embedding" and op.path:
                sides[op.path].add(self.side[op.number])
        self.shared = {path for path, found in sides.items() if len(found) > 1}

    def _lent(self) -> None:
        """Calls of a function of ours that use the weights of one module (a recurrent cell's): they are what that module does."""
        users: dict[int, set[str]] = defaultdict(set)
        for op in self.ops:
            if op.call is None or self.key_of_module(op.path) is not None:
                continue
            owners = [self._owner(source) for source in op.takes]
            module = self._foreign(op, [self.ops[owner].path for owner in owners if owner is not None])
            if module is not None:
                users[op.call].add(module)
        depends: dict[int, frozenset[int]] = defaultdict(frozenset)
        sides: dict[int, frozenset[int]] = defaultdict(frozenset)
        for op in self.ops:
            if op.call is not None:
                depends[op.call] |= self.deps[op.number]
                sides[op.call] |= self.side[op.number]
        self.fixed = {call: min(sides[call], default=0) for call, found in depends.items() if not found}
        self.lent = {call: next(iter(found)) for call, found in users.items() if len(found) == 1}

    def _roles(self) -> None:
        """In an opened attention, what is made for queries, keys and values, as the kernel takes them."""
        self.roles: dict[int, set[str]] = defaultdict(set)
        self.kernel: dict[int, str] = {}  # operation inside the kernel -> the opened module
        if self.level < 3:
            return
        self.given: dict[int, tuple[int, ...]] = {}  # the last operation of a kernel -> queries, keys, values, bias
        self.shapes: dict[int, tuple[tuple[int, ...], ...]] = {}  # of those
        self.inner: set[int] = set()  # what else happens inside of a kernel
        self.after: set[int] = set()  # how its result is laid out
        for op in self.ops:
            home = self._home(op)
            if home is None:
                continue
            if op.name == "scaled_dot_product_attention":
                self.kernel[op.number], self.given[op.number], self.shapes[op.number] = home, op.takes, op.shapes
            elif op.function is not None and op.function[0].startswith("attend_") and op.name in PRODUCTS:
                self._by_hand(op, home)
        for number, takes in self.given.items():
            for role, source in zip("qkv", takes, strict=False):
                self._mark(source, role, self.kernel[number])

    def _by_hand(self, op: Operation, home: str) -> None:
        """A kernel written out: its first product is of queries and keys, its last of weights and values."""
        own = [other for other in self.ops if other.call == op.call]
        products = [other for other in own if other.name in PRODUCTS]
        if op is not products[-1] or len(products) != 2:
            return

        def outside(op: Operation, n: int) -> tuple[int, tuple[int, ...]]:
            """What an argument was when it came into the function, and its shape there."""
            while self.ops[op.takes[n]].call == op.call:
                op, n = self.ops[op.takes[n]], 0
            return op.takes[n], op.shapes[n]

        first, last = products
        found = [outside(first, 0), outside(first, 1), outside(last, 1)]
        self.kernel[op.number] = home
        self.given[op.number] = tuple(number for number, _ in found)
        self.shapes[op.number] = tuple(shape for _, shape in found)
        self.inner.update(other.number for other in own if other.number < op.number)
        self.after.update(other.number for other in own if other.number > op.number)

    def _made(self, kernel: int) -> dict[str, tuple[int, int]]:
        """Heads and their width, for queries, keys and values, as an attention kernel takes them."""
        return {role: (shape[1], shape[3]) for role, shape in zip("qkv", self.shapes[kernel], strict=False)}

    def _home(self, op: Operation) -> str | None:
        """The opened attention whose code an operation belongs to."""
        parts = op.path.split(".")
        for n in range(1, len(parts) + 1):
            prefix = ".".join(parts[:n])
            if (
                self.kind(prefix) in ("attention", "cross")
                and self.kind(prefix) in self.opened
                and prefix in self.modules
            ) and any(True for _ in self.modules[prefix].children()):
                return prefix
        return None

    def _mark(self, number: int, role: str, home: str) -> None:
        op = self.ops[number]
        if op.name in ("parameter", "buffer", "input") or role in self.roles[number]:
            return
        if op.path.startswith(home) or (op.name in GLUE and not self.key_of_module(op.path)):
            self.roles[number].add(role)
            for source in op.takes if op.name != "linear" else ():
                self._mark(source, role, home)

    def _place(self, op: Operation) -> None:
        """Give one operation its box, and draw the arrows that end in it."""
        number = op.number
        if op.name == "input":
            self._box(op, f"input:{op.path}", op.path, "input")
            return
        if op.name in ("parameter", "buffer", "constant") or self.constant(number):
            self.box[number] = ()
            return
        if self.level >= 3 and number in self.inner:
            self.box[number] = ()
            return
        if number in self.kernel:
            self._place_kernel(op)
            return
        if self.level >= 3 and number in self.after:
            self._hand_on(op, [""])
            return
        key = self.key_of_module(op.path)
        roles = sorted(self.roles[number]) if self.roles[number] else [""]
        if key is not None:
            if key in self.shared:
                key += f"@{min(self.side[number])}"
            name = key.split("@")[0].rsplit(".", 1)[-1]
            self._boxes(op, key, roles, *self._named(name, key))
            return
        function = self._function(op)
        given = [self._owner(source) for source in op.takes]
        paths = [self.ops[owner].path for owner in given if owner is not None]
        module = self.lent.get(op.call) if op.call is not None and op.call in self.lent else self._foreign(op, paths)
        if op.name == "linear" and any("embed" in path and path.endswith("weight") for path in paths):
            prefix = f"{op.path}." if op.path else ""
            self._boxes(op, f"{prefix}head", [""], "head", "head")
            self.parts[f"{prefix}head"].notes.append("the embedding, used a second time")
            for path in paths:
                if "embed" not in path:
                    self.owned[path] = f"{prefix}head"
            return
        if module is not None and (op.call in self.lent or JOINS.get(op.name, "·") == "·"):
            self._boxes(op, module, roles, *self._named(module.rsplit(".", 1)[-1], module))
            return
        if function is not None:
            key = f"{op.path}:{function}:{op.line.rsplit(':', 1)[-1]}"
            if op.call in self.fixed:  # a table of positions: one for each side that reads it
                key += f"@{self.fixed[op.call]}"
            self._boxes(op, key, roles, *self._named(function, key))
            for path in paths:
                self.owned.setdefault(path, key)
            return
        if op.name in JOINS:
            self._join(op, roles)
            return
        self._hand_on(op, roles)

    def _named(self, name: str, key: str) -> tuple[str, Kind]:
        if name == "mlp" and hasattr(self.modules.get(key), "experts"):
            return "mixture of experts", "mlp"
        if name == "mixer":
            return f"{type(self.run.model).__name__} mixer", "mixer"
        if name in INNER:
            return NAMES.get(name, (name, "other"))[0], self.kind(key)
        if name in NAMES:
            return NAMES[name]
        kind = self.kind(key)
        if kind == "norm":
            return "norm", "norm"
        if key in self.items:
            children = [child for child, _ in self.modules[key].named_children()]
            if "experts" in key:
                return "experts", "mlp"
            if not any(child in NAMES for child in children if child not in ("input", "state")):
                return f"{type(self.run.model).__name__} cell", "mixer"
            return "block", "other"
        return name.replace("_", " "), "other"

    def _foreign(self, op: Operation, paths: list[str]) -> str | None:
        """The module that owns the parameters an operation uses outside of that module's own code."""
        for path in paths:
            owner = path.rsplit(".", 1)[0] if "." in path else ""
            key = self.key_of_module(path)
            if key is not None and owner and owner != op.path:
                return key
        return None

    def _boxes(self, op: Operation, key: str, roles: list[str], label: str, kind: Kind) -> None:
        """Put an operation into the box `key`, one for each role."""
        keys = []
        for role in roles:
            whole = f"{key}#{role}" if role else key
            keys.append(whole)
            said = label
            if role and op.name == "linear":
                said = {"q": "queries", "k": "keys", "v": "values"}[role]
            self._box(op, whole, said, kind)
        self.box[op.number] = tuple(keys)
        for whole in keys:
            self._arrows(op, whole)

    def _box(self, op: Operation, key: str, label: str, kind: Kind) -> Part:
        if key not in self.parts:
            self.parts[key] = Part(key, label, kind)
        part = self.parts[key]
        part.last = max(part.last, op.number)
        part.operations.append(op.number)
        self.box[op.number] = (key,)
        return part

    def _arrows(self, op: Operation, key: str, takes: tuple[int, ...] | None = None) -> None:
        role = key.split("#")[1] if "#" in key else ""
        for source in op.takes if takes is None else takes:
            for before in self._from(source):
                if before == key or ("#" in before and role and not before.endswith(f"#{role}")):
                    continue
                if not self.ops[source].floats and op.name not in ("embedding", "linear", "__getitem__"):
                    continue
                self.edges[before, key].append((source, op.number))

    def _from(self, number: int) -> tuple[str, ...]:
        """The boxes that an operation's result comes out of; a parameter or buffer on its own gets one."""
        if self.box.get(number):
            return self.box[number]
        owner = self._owner(number)
        return () if owner is None or self.box.get(owner) is None else self.box[owner]

    def _place_kernel(self, op: Operation) -> None:
        """The attention kernel as the three steps that it does at once."""
        home, keys = self.kernel[op.number], {}
        for step, label in (("scores", "scores"), ("softmax", "softmax"), ("sum", "weighted sum")):
            keys[step] = f"{home}:{step}"
            self._box(op, keys[step], label, self.kind(home))
        q, k, v, *mask = self.given[op.number]
        for role, step, source in (
            ("q", "scores", q),
            ("k", "scores", k),
            ("v", "sum", v),
            *(("", "scores", m) for m in mask),
        ):
            for before in self._from(source):
                if not role or before.endswith(f"#{role}"):
                    self.edges[before, keys[step]].append((source, op.number))
        self.edges[keys["scores"], keys["softmax"]].append((op.number, op.number))
        self.edges[keys["softmax"], keys["sum"]].append((op.number, op.number))
        for n, step in enumerate(keys.values()):
            self.parts[step].last = op.number
            self.parts[step].operations = [op.number]
            self.parts[step].notes = [f"step {n + 1} of the attention kernel"]
        self.box[op.number] = (keys["sum"],)

    def _join(self, op: Operation, roles: list[str]) -> None:
        """Several streams become one: a sum (with what it was made of: a residual), a product, or one beside the other."""
        sources: list[tuple[int, tuple[str, ...]]] = []
        for source in op.takes:
            if not self.ops[source].floats:
                continue
            owner = self._owner(source)
            if owner is not None and not self.box.get(owner):
                self._state(owner, op)
            found = self._from(source)
            if found:
                sources.append((source, found))
        names = {name for _, found in sources for name in found}
        if len(names) < 2 or (len(sources) < 2):
            self._hand_on(op, roles)
            return
        sign = JOINS[op.name]
        key = f"{op.path}:{op.name}:{op.line.rsplit(':', 1)[-1]}"
        scale = [name for name in names if name in self.owned and name.endswith(("_scale", ".gate"))]
        if sign == "×" and scale:  # a learned factor: it is the box, and not a stream beside it
            (key,) = scale
            part = self.parts[key]
            part.label, part.kind = ("gate" if key.endswith("gate") else "scale"), "other"
            self._boxes(op, key, [""], part.label, "other")
            return
        kind: Kind = "sum"
        if sign == "+" and len(sources) == 2 and self._residual(op, sources):
            kind = "residual"
        if sign == "+" and kind == "sum":  # a sum of three is two sums one after the other
            for source, found in sources:
                first = self.parts[found[0]]
                if first.kind == "sum" and first.label == "+" and self.users[source] == [op.number] and len(found) == 1:
                    key = found[0]
        if key in self.at and self.at[key] != self.side[op.number] and self._item(op.path) is None:
            key += f"@{min(self.side[op.number], default=0)}"  # the same line, for the other tower
        self.at.setdefault(key, self.side[op.number])
        self._boxes(op, key, roles, sign, kind)

    def _residual(self, op: Operation, sources: list[tuple[int, tuple[str, ...]]]) -> bool:
        """Whether one of two summands was made from the other."""
        (a, _), (b, _) = sources
        early, late = sorted((self._root(a), self._root(b)))
        seen, todo = set(), [late]
        while todo:
            here = todo.pop()
            if here == early:
                return True
            if here > early and here not in seen:
                seen.add(here)
                todo.extend(self.ops[here].takes)
        return False

    def _root(self, number: int) -> int:
        """What a stream was before a cast or a weight on it."""
        op = self.ops[number]
        alone = [source for source in op.takes if self.ops[source].name != "constant"]
        passes = op.name in GLUE or (JOINS.get(op.name) == "×" and len(alone) == 1)
        return self._root(alone[0]) if alone and passes and not self.key_of_module(op.path) else number

    def _state(self, owner: int, op: Operation) -> None:
        """A parameter or buffer that takes part on its own, such as learned positions."""
        held = self.ops[owner]
        key = self.key_of_module(held.path) or held.path
        label, kind = self._named(key.rsplit(".", 1)[-1], key)
        self._box(held, key, label, kind)
        self.owned[held.path] = key

    def _hand_on(self, op: Operation, roles: list[str]) -> None:
        """An operation on one stream belongs to the box the stream came from; opened, an activation is a box."""
        first = next((source for source in op.takes if self._from(source) and self.ops[source].floats), None)
        if first is None:
            first = next((source for source in op.takes if self._from(source)), None)
        if first is None:
            self.box[op.number] = ()
            return
        if self.level >= 3 and op.name in ACTIVE and self._opened(op.path):
            key = f"{op.path}:{op.name}:{op.line.rsplit(':', 1)[-1]}"
            self._boxes(op, key, [""], ACTIVE[op.name], self.kind(op.path) if self.kind(op.path) != "other" else "mlp")
            return
        found = self._from(first)
        if roles != [""]:
            kept = tuple(name for name in found if "#" not in name or name.split("#")[1] in roles)
            found = kept or found
        self.box[op.number] = found
        if op.name in ACTIVE:
            for name in found:
                if ACTIVE[op.name] not in self.parts[name].notes and self.parts[name].kind != "input":
                    self.parts[name].notes.append(ACTIVE[op.name])

    def _opened(self, path: str) -> bool:
        parts = path.split(".")
        return any(self.kind(".".join(parts[:n])) in self.opened for n in range(1, len(parts) + 1))

    def _outputs(self) -> None:
        names = OUTPUTS.get(type(self.run.model).__name__, ())
        for n, number in enumerate(self.run.outputs):
            makers = self._before_output(number)
            made = self.parts[makers[0]] if makers else None
            label = OUTPUT_OF.get(made.key if made else "", "states" if made and made.kind == "norm" else "logits")
            label = names[n] if n < len(names) else label
            key = f"output:{label}"
            part = self._box(self.ops[number], key, label, "output") if key not in self.parts else self.parts[key]
            self.box[number] = tuple(name for name in self._before_output(number) if not name.startswith("output:"))
            part.last = len(self.ops) + n
            for before in self.box[number]:
                self.edges[before, key].append((number, number))

    def _before_output(self, number: int) -> tuple[str, ...]:
        return tuple(
            key for key, part in self.parts.items() if number in part.operations[-1:] and part.kind != "output"
        ) or tuple(key for source in self.ops[number].takes for key in self._from(source) if self.ops[source].floats)

    # ---------------------------------------------------------------- parameters

    def _own(self) -> None:
        """Give every parameter to one box."""
        self.idle: dict[str, int] = {}
        touched = {op.path for op in self.ops if op.name == "parameter"}
        self.counts: dict[str, int] = defaultdict(int)
        for name, parameter in self.run.model.named_parameters():
            size = parameter.numel()
            key = self.owned.get(name) or self._key_of(name)
            if key is None or name not in touched:
                self.idle[name] = size
            elif any(f"{key}#{role}" in self.parts for role in "qkv"):
                self._shares(key, parameter)
            else:
                self.counts[key] += size

    def _key_of(self, name: str) -> str | None:
        key = self.key_of_module(name)
        if key is None or (
            not any(f"{key}{end}" in self.parts for end in ("", "#q", "#k", "#v")) and key not in self.shared
        ):
            # What no closed module owns belongs to the box that first uses it.
            for op in self.ops:
                if op.name == "parameter" and op.path == name:
                    return self._user(op.number)
            return None
        if key in self.shared:
            found = [part for part in self.parts if part.startswith(f"{key}@")]
            for part in found[1:]:
                self.parts[part].notes.append("the same table")
            return found[0] if found else None
        return key

    def _user(self, number: int) -> str | None:
        for user in self.users[number]:
            if self.box.get(user):
                return self.box[user][0]
            found = self._user(user)
            if found is not None:
                return found
        return None

    def _shares(self, key: str, parameter: Any) -> None:
        """Rows of a fused projection, by what they make: as many as the kernel takes of heads and widths."""
        roles = [role for role in "qkv" if f"{key}#{role}" in self.parts]
        home = next((name for name in self.kernel.values() if key.startswith(name)), "")
        kernel = next(number for number, name in self.kernel.items() if name == home)
        made = self._made(kernel)
        rows = {role: made[role][0] * made[role][1] for role in roles}
        width = parameter.shape[0]
        if sum(rows.values()) != width:  # a norm of heads: the same gain for all
            for role in roles:
                rows[role] = width // len(roles)
            rows[roles[0]] += width - sum(rows.values())
        for role in roles:
            self.counts[f"{key}#{role}"] += parameter.numel() * rows[role] // width

    # ---------------------------------------------------------------- repetition, columns, order

    def _wired(self) -> Wiring:
        starts, groups = self._repeats()
        self.starts = starts

        def first(key: str) -> str:
            """The same box in the first block of its run of equal blocks."""
            for item, start in starts.items():
                if key == item or key.startswith((f"{item}.", f"{item}:")):
                    return start + key[len(item) :]
            return key

        parts: dict[str, Part] = {}
        for key, _part in self.parts.items():
            to = first(key)
            if to not in parts:
                parts[to] = self.parts[to]
                parts[to].group = next((g for g in groups if to == g or to.startswith((f"{g}.", f"{g}:"))), None)
                parts[to].each = self.counts.get(to, 0)
            parts[to].parameters += self.counts.get(key, 0)
        arrows: dict[tuple[str, str], str] = {}
        for a, b in self.edges:
            x, y = first(a), first(b)
            inner = x != y and parts[x].group is not None and parts[x].group == parts[y].group
            if x == y or (inner and self._item(a) != self._item(b)):
                continue  # from one block into the next of the same kind
            arrows[x, y] = "flow"
        self._absorb(parts, arrows)
        for key in [key for key, part in parts.items() if not part.parameters and part.kind not in ("output", "input")]:
            if not any(a == key for a, _ in arrows):  # worked out, and then not needed
                del parts[key]
                for a, b in [(a, b) for a, b in arrows if b == key]:
                    del arrows[a, b]
        self._describe(parts)
        columns = self._columns(parts)
        order = sorted(parts, key=lambda key: (parts[key].last, parts[key].kind == "output"))
        place = {key: n for n, key in enumerate(order)}
        marked = []
        for (a, b), what in arrows.items():
            if place[b] < place[a]:
                what = "back"
            elif parts[b].kind == "residual" and self._skips(a, b, arrows):
                what = "residual"
            elif parts[a].column != parts[b].column and columns == 2 and parts[b].column != 2:
                what = "cross"
            marked.append((a, b, what))
        total = sum(parameter.numel() for parameter in self.run.model.parameters())
        return Wiring({key: parts[key] for key in order}, marked, groups, total, self._unused(), columns)

    def _unused(self) -> dict[str, int]:
        """What the run did not touch, by the outermost module of which nothing was."""
        named = dict(self.run.model.named_parameters())
        found: dict[str, int] = defaultdict(int)
        for name, size in self.idle.items():
            parts = name.split(".")
            whole = next(
                (
                    prefix
                    for n in range(1, len(parts))
                    if all(
                        other in self.idle for other in named if other.startswith(f"{(prefix := '.'.join(parts[:n]))}.")
                    )
                ),
                name,
            )
            found[whole] += size
        return dict(found)

    def _absorb(self, parts: dict[str, Part], arrows: dict[tuple[str, str], str]) -> None:
        """A table of positions that is worked out in several steps is one box: that of its last step."""
        for key in list(parts):
            part = parts[key]
            if any(self.deps[number] for number in part.operations) or part.parameters:
                continue
            after = [b for a, b in arrows if a == key]
            if len(after) != 1 or any(self.deps[number] for number in parts[after[0]].operations):
                continue
            del arrows[key, after[0]]
            for a, b in [(a, b) for a, b in arrows if b == key]:
                arrows[a, after[0]] = arrows.pop((a, b))
            del parts[key]

    def _skips(self, a: str, b: str, arrows: dict[tuple[str, str], str]) -> bool:
        """Whether there is another, longer way from `a` to `b`."""
        todo, seen = [y for (x, y) in arrows if x == a and y != b], set()
        while todo:
            here = todo.pop()
            if here == b:
                return True
            if here not in seen:
                seen.add(here)
                todo.extend(y for (x, y) in arrows if x == here)
        # Before blocks that repeat, the stream may come from outside.
        return False

    def _item(self, key: str) -> str | None:
        found = [item for item in self.items if key == item or key.startswith((f"{item}.", f"{item}:"))]
        return min(found, key=len, default=None)

    def _repeats(self) -> tuple[dict[str, str], dict[str, int]]:
        """Equal blocks in a row: block -> the first of its row, and how many there are."""
        inside: dict[str, set[str]] = defaultdict(set)
        for key in self.parts:
            item = self._item(key)
            if item is not None:
                inside[item].add(key[len(item) :])
        wires: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for a, b in self.edges:
            if self._item(a) is not None and self._item(a) == self._item(b):
                item = self._item(a) or ""
                wires[item].add((a[len(item) :], b[len(item) :]))
        starts: dict[str, str] = {}
        groups: dict[str, int] = {}
        for item, name in self.items.items():
            if item not in inside or (self._item(name) is not None):
                continue
            before = f"{name}.{int(item.rsplit('.', 1)[1]) - 1}"
            if before in starts and inside[item] == inside[before] and wires[item] == wires[before]:
                starts[item] = starts[before]
                groups[starts[before]] += 1
            else:
                starts[item] = item
                groups[item] = 1
        return starts, groups

    def _columns(self, parts: dict[str, Part]) -> int:
        """Whether a second tower stands beside: then what depends on the first input alone is column 0, the rest column 1."""
        for part in parts.values():
            numbers = [n for n in part.operations if n < len(self.ops)]
            part.kinds |= {part.kind, "attention"} if part.kind == "cross" else {part.kind}
            self_sides = [self.side[n] for n in numbers]
            part.column = 0
            part.operations = numbers
            part.sides = frozenset().union(*self_sides) if self_sides else frozenset()
        towers = {part.sides for part in parts.values()}
        alone = [
            side
            for side in towers
            if len(side) == 1
            and any((part.group or part.kind == "mixer") and part.sides == side for part in parts.values())
        ]
        if not alone or len(self.inputs) < 2:
            return 1
        everything = frozenset(self.inputs)
        left = min(alone, key=lambda side: min(side))
        if left == everything:
            return 1
        blocks = {part.group for part in parts.values() if part.group and part.sides != left}
        both = [part for part in parts.values() if part.sides > left]
        grouped = any(part.group for part in both)
        for part in parts.values():
            mine = part.sides
            part.column = 0 if mine == left else 1
            if part.group in blocks and part.group:
                part.column = 1
            if mine > left and not grouped and len(alone) > 1:
                part.column = 2
        return 2

    # ---------------------------------------------------------------- what is said of a box

    def _describe(self, parts: dict[str, Part]) -> None:
        for key, part in parts.items():
            path = key.split("#")[0].split("@")[0]
            if path in self.modules:
                module = self.modules[path]
                part.path = path
                part.code = _source(module) or self.ops[part.operations[0]].line
                part.size = self._size(path, module, part)
                part.kinds = frozenset(
                    self.kind(f"{path}.{name}" if name else path) for name, _ in module.named_modules()
                ) - {"other"}
                if part.kind == "attention" and part.label == "attention":
                    part.label = self._attention(path, module, part)
            elif ":" in path and part.kind not in ("input", "output"):
                op = self.ops[part.operations[-1]]
                part.code = op.line or part.code
                if op.function is not None and part.kind not in ("residual", "sum"):
                    part.code = f"{op.function[1]}, {op.function[0]}"
                shape = op.shape
                if op.number in self.kernel and part.key.endswith((":scores", ":softmax", ":sum")):
                    heads, width = self._made(op.number)["q"][0], self._made(op.number)["v"][1]
                    part.size = f"{heads} heads × {width}" if part.key.endswith(":sum") else f"{heads} heads"
                elif shape and part.kind not in ("residual", "sum", "position", "head"):
                    part.size = f"{shape[-1]:,}"
            elif path == "head" or path.endswith(".head"):  # the embedding, used as the head
                op = self.ops[part.operations[-1]]
                part.size = f"{op.shapes[0][-1]:,} → {op.shape[-1]:,}"
                part.code = op.line
            elif part.kind not in ("input", "output"):
                part.path = path
                op = self.ops[part.operations[0]]
                part.size = " × ".join(str(n) for n in op.shape)
                user = next((self.ops[u] for u in self.users[op.number] if self.ops[u].line), None)
                part.code = user.line if user else ""
            if "#" in key and self.ops[part.operations[0]].name == "linear":
                home = self._home(self.ops[part.operations[0]])
                kernel = next((n for n, name in self.kernel.items() if name == home), None)
                if kernel is not None:
                    part.size = " × ".join(str(n) for n in self._made(kernel)[key.split("#")[1]])

    def _attention(self, path: str, module: nn.Module, part: Part) -> str:
        """What an attention is called; where only some of the blocks have a window, a note says how many."""
        windows = [getattr(module, "window", None)]
        if part.group is not None:
            inner = path[len(part.group) :]
            windows = [
                getattr(self.modules[item + inner], "window", None)
                for item, start in self.starts.items()
                if start == part.group and item + inner in self.modules
            ]
        seen = [window for window in windows if window is not None]
        if seen and len(seen) == len(windows):
            part.notes.append(f"each query sees {seen[0]:,} positions")
            return "windowed attention"
        if seen:
            part.notes.append(f"in {len(seen)} of {len(windows)} blocks a query sees {seen[0]:,} positions only")
        causal = any(op.causal for op in self.ops if op.path == path)
        return "causal attention" if causal else "attention"

    def _size(self, path: str, module: nn.Module, part: Part) -> str:
        kernel = next(
            (op for op in self.ops if op.name == "scaled_dot_product_attention" and op.path.startswith(path)), None
        )
        if kernel is not None and (part.kind in ("attention", "cross")):
            h, g, k = kernel.shapes[0][1], kernel.shapes[1][1], kernel.shapes[0][3]
            return f"{h} heads × {k}" if h == g else f"{h} heads × {k}, {g} for keys"
        if isinstance(module, nn.Embedding):
            return f"{module.num_embeddings:,} × {module.embedding_dim:,}"
        if isinstance(module, nn.Conv1d):
            return f"{module.in_channels:,} → {module.out_channels:,}"
        if part.kind == "norm":
            weight = next(module.parameters(), None)
            name = type(module).__name__
            name = "RMSNorm" if name == "Norm" else name
            return f"{name}, {weight.shape[-1]:,}" if weight is not None else name
        if getattr(module, "n_head", None) and part.kind in ("attention", "cross"):
            return f"{module.n_head} heads"
        shapes = [(m.in_features, m.out_features) for m in module.modules() if isinstance(m, nn.Linear)]
        if path in self.items and part.kind == "mixer":
            return f"{shapes[0][0]:,} → {shapes[-1][0]:,}"
        if len(shapes) == 1:
            return f"{shapes[0][0]:,} → {shapes[0][1]:,}"
        if part.kind in ("mlp", "head") and shapes:
            inner = f"{shapes[0][0]:,} → {shapes[0][1]:,} → {shapes[-1][1]:,}"
            experts = getattr(module, "experts", None)
            if experts is not None:
                first = next(m for m in experts[0].modules() if isinstance(m, nn.Linear))
                return f"{getattr(module, 'n_active', '')} of {len(experts)} × {first.in_features:,} → {first.out_features:,}"
            return inner
        if shapes and path in self.items and "experts" not in path:
            return f"width {shapes[-1][1]:,}"
        if shapes:
            return f"{shapes[0][0]:,} → {shapes[-1][1]:,}"
        return ""


PASSES = frozenset(
    [
        "split_heads",
        "merge_heads",
        "locate",
        "key_mask",
        "real_positions",
        "sort_padding",
        "state_at",
        "turned",
        "restore",
        "last_inputs",
        "patchify",
        "memory_of",
        "linear",
        "rms_norm",
        "mask",
        "decays",
        "causal_mask",
        "extend",
    ]
)
"""Functions of ours that only lay tensors out, or that are a module's one line."""

OUTPUTS = {
    "DecisionTransformer": ("action", "next state", "next return"),
    "CLIP": ("logits: picture × caption",),
}


OUTPUT_OF = {
    "mlm": "word logits",
    "nsp": "next sentence?",
    "pool": "pooled state",
    "map": "a value for each pixel",
    "classify": "label logits",
}
"""What comes out, by the box that made it."""


def _source(module: nn.Module) -> str:
    """File and line of a module's class, if a model's file defines it."""
    try:
        file, line = inspect.getsourcefile(type(module)), inspect.getsourcelines(type(module))[1]
    except (OSError, TypeError):
        return ""
    if file is None or not file.startswith(str(HOME / "models")):
        return ""
    return f"{Path(file).relative_to(HOME).as_posix()}:{line}"


def wire(run: Recording, level: int, opened: tuple[str, ...] = ()) -> Wiring:
    """The boxes of a run at a level of detail: 1 blocks, 2 inside a block, 3 inside the parts named in `opened`."""
    return Wirer(run, level, opened).sort()
