import sys, threading


def topological(root, operands):
    order, seen = [], set()

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        for o in operands[name]:
            visit(o)
        order.append(name)

    old = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    threading.stack_size(256 << 20)
    worker = threading.Thread(target=visit, args=(root,))
    worker.start()
    worker.join()
    sys.setrecursionlimit(old)
    threading.stack_size(0)
    return order
