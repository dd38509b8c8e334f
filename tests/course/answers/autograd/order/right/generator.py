def topological(root, operands):
    seen = set()
    path = [[root, 0]]
    seen.add(root)
    while path:
        name, i = path[-1]
        kids = operands[name]
        if i == len(kids):
            path.pop()
            yield name
        else:
            path[-1][1] += 1
            if kids[i] not in seen:
                seen.add(kids[i])
                path.append([kids[i], 0])
