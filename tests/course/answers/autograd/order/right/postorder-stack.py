def topological(root, operands):
    out, done, stack = [], set(), [(root, False)]
    while stack:
        name, ready = stack.pop()
        if ready:
            if name not in done:
                done.add(name)
                out.append(name)
            continue
        if name in done:
            continue
        stack.append((name, True))
        stack.extend((o, False) for o in reversed(operands[name]) if o not in done)
    return out
