def topological(root, operands):
    reach, stack = set(), [root]
    while stack:
        name = stack.pop()
        if name not in reach:
            reach.add(name)
            stack += operands[name]
    waiting = {n: len(set(operands[n])) for n in reach}
    users = {n: [] for n in reach}
    for n in reach:
        for o in set(operands[n]):
            users[o].append(n)
    ready, order = sorted(n for n in reach if not waiting[n]), []
    while ready:
        n = ready.pop(0)
        order.append(n)
        for u in sorted(users[n]):
            waiting[u] -= 1
            if not waiting[u]:
                ready.append(u)
    return order
