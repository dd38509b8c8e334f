# expect: timeout
def topological(root, operands):
    order, stack = [], [(root, False)]
    while stack:
        name, below = stack.pop()
        if below:
            order.append(name)
        else:
            stack += [(name, True), *((other, False) for other in reversed(operands[name]))]
    return list(dict.fromkeys(order))
