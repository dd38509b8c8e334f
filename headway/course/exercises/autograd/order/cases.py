"""What is asked of the order of backward, and the answer it is held against."""

from headway.learn.cases import Call, case, law
from headway.learn.telling import telling

ORDER = 6
ENTRIES = ("topological",)
SIZES = {"n": (1, 12)}


def topological(root, operands):
    order, seen = [], {root}
    stack = [(root, iter(operands[root]))]
    while stack:
        name, rest = stack[-1]
        for operand in rest:
            if operand not in seen:
                seen.add(operand)
                stack.append((operand, iter(operands[operand])))
                break
        else:
            stack.pop()
            order.append(name)
    return order


def graph(d, n, most=3, reach=None):
    """n values with names in no order; each has up to `most` operands among those before it."""
    names = [f"{'abcdefghijklmnopqrstuvwxyz'[i % 26]}{i // 26 or ''}" for i in range(n)]
    d.random.shuffle(names)
    operands = {}
    for i, name in enumerate(names):
        before = names[max(0, i - (reach or i)) : i]
        operands[name] = [d.random.choice(before) for _ in range(d.random.randint(0, most))] if before else []
    if n > 1 and not operands[names[-1]]:
        operands[names[-1]] = [names[-2]]
    rows = list(operands.items())
    d.random.shuffle(rows)
    return names[-1], dict(rows)


@case("a graph", draws=20)
def any_graph(d):
    root, operands = graph(d, d.n)
    return Call("topological", root=root, operands=operands)


@case("a graph in which values are used again and again", n=(5, 14), draws=14)
def shared(d):
    def build(d):
        root, operands = graph(d, d.n, most=4, reach=3)
        return Call("topological", root=root, operands=operands)

    return telling(__file__, d, build)


@case("values that the result does not depend on", n=(4, 12), draws=10)
def unreachable(d):
    _, operands = graph(d, d.n)
    return Call("topological", root=d.random.choice(sorted(operands)), operands=operands)


@case("names that begin alike, capitals and blanks among them", n=(5, 9), draws=8)
def alike(d):
    """No name may be taken for another that it begins, or that differs in a capital."""
    root, operands = graph(d, d.n)
    names = ["x", "x1", "x11", "X", "x 1", "", "X1", " ", "xx"][: d.n]
    renamed = dict(zip(operands, names, strict=True))
    rows = {renamed[name]: [renamed[o] for o in below] for name, below in operands.items()}
    return Call("topological", root=renamed[root], operands=rows)


@case("ten squarings: x · x, of that the square, ...", n=10, draws=1)
def squarings(d):
    operands = {"x0": [], **{f"x{i}": [f"x{i - 1}"] * 2 for i in range(1, d.n + 1)}}
    return Call("topological", root=f"x{d.n}", operands=operands)


@case("a chain of 5,000 values", n=5000, draws=1)
def deep(d):
    operands = {"x0": [], **{f"x{i}": [f"x{i - 1}", "x0"] for i in range(1, d.n)}}
    return Call("topological", root=f"x{d.n - 1}", operands=operands)


@law(
    "a value is gone through once for every way that leads to it, of which there are a million millions here",
    costly=True,
    draws=1,
)
def every_way(learner, d):
    operands = {"x0": [], **{f"x{i}": [f"x{i - 1}"] * 2 for i in range(1, 41)}}
    return learner.topological("x40", operands) == list(operands)


@law("a value stands before something that it was computed from")
def operands_first(learner, d):
    root, operands = graph(d, d.n)
    order = learner.topological(root, operands)
    place = {name: n for n, name in enumerate(order)}
    return all(place[operand] < place[name] for name in order for operand in operands[name])


@law("a value stands in the list more than once")
def once(learner, d):
    root, operands = graph(d, d.n)
    order = learner.topological(root, operands)
    return len(order) == len(set(order))
