def topological(root, operands):
    # A node is put down when it is met last, going through users from the right: reversed, that is the order asked for.
    order, state, stack = [], {}, [root]
    while stack:
        name = stack[-1]
        if state.get(name) is None:
            state[name] = "open"
            stack.extend(o for o in reversed(operands[name]) if o not in state)
        else:
            stack.pop()
            if state[name] == "open":
                state[name] = "done"
                order.append(name)
    return order
