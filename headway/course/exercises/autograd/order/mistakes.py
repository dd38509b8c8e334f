"""Wrong answers to the order of backward that people really give."""

from headway.learn.cases import mistake


def search(root, operands, *, seen_by=None, backwards=False):
    """The right answer, by a stack."""
    order, seen = [], {root}
    stack = [(root, iter(operands[root]))]
    while stack:
        name, rest = stack[-1]
        for operand in rest:
            if operand not in seen:
                seen.add(operand)
                below = operands[operand]
                stack.append((operand, iter(below[::-1] if backwards else below)))
                break
        else:
            stack.pop()
            order.append(name)
    return order


@mistake(
    "the function calls itself for every operand: a graph deeper than about 1,000 values ends in a RecursionError. Keep a stack "
    "of your own"
)
def recursive(root, operands):
    order, seen = [], set()

    def visit(name):
        if name not in seen:
            seen.add(name)
            for operand in operands[name]:
                visit(operand)
            order.append(name)

    visit(root)
    return order


@mistake("a value is written down as often as it is used: remember which have been visited")
def nothing_remembered(root, operands):
    order, stack = [], [(root, iter(operands[root]))]
    while stack:
        name, rest = stack[-1]
        operand = next(rest, None)
        if operand is None:
            stack.pop()
            order.append(name)
        else:
            stack.append((operand, iter(operands[operand])))
    return order


@mistake("the result stands first: the list is the wrong way round, every value has to come after its operands")
def result_first(root, operands):
    return search(root, operands)[::-1]


def preorder(root, operands):
    order, seen, stack = [], set(), [root]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            order.append(name)
            stack.extend(reversed(operands[name]))
    return order


@mistake("a value is written down when it is first met: it has to wait until all its operands are written down")
def written_when_met(root, operands):
    return preorder(root, operands)


@mistake(
    "the values are written down when first met, and the list is turned round at the end: where a value is used twice, it then "
    "stands after one of its users"
)
def met_and_reversed(root, operands):
    return preorder(root, operands)[::-1]


@mistake(
    "the graph is searched level by level (a queue) and the levels turned round: a value that is used both near the result and "
    "deep down then stands after one of its users"
)
def levels_reversed(root, operands):
    order, seen, queue = [], {root}, [root]
    while queue:
        name = queue.pop(0)
        order.append(name)
        for operand in operands[name]:
            if operand not in seen:
                seen.add(operand)
                queue.append(operand)
    return order[::-1]


@mistake(
    "values are marked as visited when they are put on the stack, all operands at once: one that a later operand needs earlier "
    "is then not reached in time. Mark a value when its turn comes"
)
def marked_when_pushed(root, operands):
    order, seen, stack = [], {root}, [(root, False)]
    while stack:
        name, opened = stack.pop()
        if opened:
            order.append(name)
            continue
        stack.append((name, True))
        for operand in reversed(operands[name]):
            if operand not in seen:
                seen.add(operand)
                stack.append((operand, False))
    return order


@mistake("the last operand is visited first: begin with the first")
def last_operand_first(root, operands):
    order, seen = [], {root}
    stack = [(root, iter(operands[root][::-1]))]
    while stack:
        name, rest = stack[-1]
        for operand in rest:
            if operand not in seen:
                seen.add(operand)
                stack.append((operand, iter(operands[operand][::-1])))
                break
        else:
            stack.pop()
            order.append(name)
    return order


@mistake(
    "everything in the graph is listed, also what the result does not depend on: start from the root and follow operands"
)
def everything(root, operands):
    order = search(root, operands)
    written = set(order)
    for name in operands:
        order += [other for other in search(name, operands) if other not in written]
        written = set(order) if len(order) > len(written) else written
        if len(written) == len(operands):
            break
    return order


@mistake("the result itself is missing at the end of the list")
def result_left_out(root, operands):
    return search(root, operands)[:-1]


@mistake("the leaves, which have no operands, are missing: their gradients are the ones wanted in the end")
def leaves_left_out(root, operands):
    return [name for name in search(root, operands) if operands[name]]


@mistake("the names are sorted by the alphabet: the order has to follow from who was computed from whom")
def by_name(root, operands):
    return sorted(search(root, operands))


@mistake("only the result and its own operands are listed: go on to the operands of the operands")
def one_level(root, operands):
    order = []
    for name in [*operands[root], root]:
        if name not in order:
            order.append(name)
    return order
