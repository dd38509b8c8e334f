"""Right answers to the order of backward that differ in structure."""


def topological__iterators(root, operands):
    """A stack of values, each with an iterator over the operands that are still to be visited."""
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


def topological__twice(root, operands):
    """Every value is put on the stack twice: the first time its operands follow, the second time it is written down."""
    order, done, opened = [], set(), set()
    stack = [root]
    while stack:
        name = stack.pop()
        if name in done:
            continue
        if name in opened:
            done.add(name)
            order.append(name)
            continue
        opened.add(name)
        stack.append(name)
        stack.extend(operand for operand in reversed(operands[name]) if operand not in done)
    return order


def topological__marks(root, operands):
    """A path from the root, and for each value on it how many of its operands have been seen to."""
    path, progress, written = [root], {root: 0}, {}
    while path:
        name = path[-1]
        place = progress[name]
        if place == len(operands[name]):
            written[path.pop()] = True
            continue
        progress[name] += 1
        operand = operands[name][place]
        if operand not in progress:
            progress[operand] = 0
            path.append(operand)
    return list(written)
