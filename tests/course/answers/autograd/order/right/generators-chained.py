def topological(root, operands):
    done = {}

    def visit(name):
        for o in operands[name]:
            if o not in done:
                done[o] = None
                yield o
        order.append(name)

    order = []
    done[root] = None
    path = [visit(root)]
    while path:
        step = next(path[-1], None)
        if step is None:
            path.pop()
        else:
            path.append(visit(step))
    return order
