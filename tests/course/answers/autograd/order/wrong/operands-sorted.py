def topological(root, operands):
    order, seen, stack = [], set(), [(root, 0)]
    seen.add(root)
    while stack:
        name, n = stack.pop()
        below = sorted(operands[name])
        if n == len(below):
            order.append(name)
            continue
        stack.append((name, n + 1))
        if below[n] not in seen:
            seen.add(below[n])
            stack.append((below[n], 0))
    return order
