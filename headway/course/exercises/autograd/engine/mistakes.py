"""Wrong answers to the engine that people really give."""

import math

from headway.learn.cases import switches


def derivatives(
    f, numbers, *,
    _add="plus", _order="topological", _seed=1.0, _mul="other", _pow="right", _exp="out", _tanh="right", _seen="id",
    _left=True, _sum="right", _chain=True, _mul_first=True, _twice="always",
):  # fmt: skip
    """The right answer, with a switch per mistake."""

    class Value:
        def __init__(self, data, edges=()):
            self.data, self.grad, self.edges = data, 0.0, edges

        def __add__(self, other):
            other = other if isinstance(other, Value) else Value(other)
            if other is self and _twice in ("never", "in products"):
                return Value(2 * self.data, ((self, 1.0),))
            slopes = {"right": (1.0, 1.0), "data": (self.data, other.data), "first": (1.0, 0.0)}[_sum]
            return Value(self.data + other.data, ((self, slopes[0]), (other, slopes[1])))

        def __mul__(self, other):
            other = other if isinstance(other, Value) else Value(other)
            if other is self and _twice in ("never", "in sums"):
                return Value(self.data**2, ((self, self.data),))
            a, b = (other.data, self.data) if _mul == "other" else (self.data, other.data)
            return Value(self.data * other.data, ((self, a), (other, b)) if _mul_first else ((self, a),))

        def __pow__(self, n):
            slope = {
                "right": lambda: n * self.data ** (n - 1),
                "same power": lambda: n * self.data**n,
                "no factor": lambda: self.data ** (n - 1),
                "factor n-1": lambda: (n - 1) * self.data ** (n - 1),
                "log": lambda: self.data**n * math.log(abs(self.data)),
            }[_pow]()
            return Value(self.data**n, ((self, slope),))

        def exp(self):
            out = math.exp(self.data)
            return Value(out, ((self, {"out": out, "x": self.data, "one": 1.0}[_exp]),))

        def tanh(self):
            t = math.tanh(self.data)
            slope = {"right": 1 - t * t, "x": 1 - self.data**2, "sigmoid": t * (1 - t), "t": 1 - t}[_tanh]
            return Value(t, ((self, slope),))

        def __neg__(self):
            return self * -1

        def __sub__(self, other):
            return self + -other

        def __truediv__(self, other):
            return self * other**-1

        if _left:

            def __radd__(self, other):
                return self + other

            def __rmul__(self, other):
                return self * other

            def __rsub__(self, other):
                return -self + other

            def __rtruediv__(self, other):
                return self**-1 * other

        def hand_on(self):
            for operand, slope in self.edges:
                given = slope * self.grad if _chain else slope
                operand.grad = operand.grad + given if _add == "plus" else given

        def backward(self):
            key = (lambda v: v.data) if _seen == "data" else id
            self.grad = _seed
            if _order == "level by level":
                queue, seen = [self], {key(self)}
                for value in queue:
                    value.hand_on()
                    for operand, _ in value.edges:
                        if key(operand) not in seen:
                            seen.add(key(operand))
                            queue.append(operand)
                return
            if _order == "after the last use":
                uses, stack, met = {}, [self], {id(self)}
                while stack:
                    for operand, _ in stack.pop().edges:
                        uses[id(operand)] = uses.get(id(operand), 0) + 1
                        if id(operand) not in met:
                            met.add(id(operand))
                            stack.append(operand)
                ready = [self]
                while ready:
                    value = ready.pop()
                    value.hand_on()
                    for operand, _ in value.edges:
                        uses[id(operand)] -= 1
                        if not uses[id(operand)]:
                            ready.append(operand)
                return
            if _order == "each way again":
                stack = [(self, 1.0)]
                while stack:
                    value, _ = stack.pop()
                    value.hand_on()
                    stack.extend(value.edges)
                    if len(stack) > 20000:
                        break
                return
            if _order == "recursive":
                order, seen = [], set()

                def visit(value):
                    if id(value) not in seen:
                        seen.add(id(value))
                        for operand, _ in value.edges:
                            visit(operand)
                        order.append(value)

                visit(self)
            else:
                order, seen = [], {key(self)}
                turn = reversed if _order == "last operand first" else iter
                stack = [(self, turn(self.edges))]
                while stack:
                    value, rest = stack[-1]
                    for operand, _ in rest:
                        if key(operand) not in seen:
                            seen.add(key(operand))
                            stack.append((operand, turn(operand.edges)))
                            break
                    else:
                        order.append(value)
                        stack.pop()
            for value in order if _order == "from the leaves" else reversed(order):
                value.hand_on()

    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]


MISTAKES = switches(
    derivatives,
    {
        # Which use is kept depends on the order in which the values are gone through, of which there are several right ones.
        "overwritten": (
            "a gradient is set (=) where it has to be added (+=): a value used twice keeps only the gradient of one use",
            {"_add": "set"},
            {"_order": ["last operand first", "after the last use"]},
        ),
        "level_by_level": (
            "values hand on their gradients level by level from the result: one that is used at two depths hands on an "
            "incomplete gradient. Sort them first, each before what it was computed from",
            {"_order": "level by level"},
        ),
        "each_way_again": (
            "a value hands on its whole gradient once for every way that leads to it, so what came earlier is counted again: "
            "sort the values, and let each hand on once",
            {"_order": "each way again"},
        ),
        "recursive": (
            "the sort calls itself for every value: a graph deeper than about 1,000 ends in a RecursionError. Keep a stack of "
            "your own",
            {"_order": "recursive"},
        ),
        "from_the_leaves": (
            "nothing gets past the operands of the result: backward has to go on to theirs, and in the order from the result to "
            "the leaves (the sorted list, reversed)",
            {"_order": "from the leaves"},
        ),
        "seed_missing": (
            "the gradient of the result is not set to 1 at the start, so that everything stays 0",
            {"_seed": 0.0},
        ),
        "compared_by_number": (
            "values are recognised by their number (`in`, ==, a set of data): two different values that happen to be equal are "
            "taken for one. Compare them with `is`, or by id",
            {"_seen": "data"},
        ),
        "product_own_factor": (
            "in a product each factor gets its own number as derivative: d(a b)/da is b, the *other* one",
            {"_mul": "own"},
        ),
        "product_second_forgotten": (
            "in a product only the first factor gets a gradient",
            {"_mul_first": False},
        ),
        "operand_on_both_sides": (
            "x * x or x + x hands on one gradient, where x stands on both sides: an operand kept in a set or a dict is kept "
            "once, and one of its two gradients is lost",
            {"_twice": "never"},
            {"_twice": ["in sums", "in products"]},
        ),
        "sum_times_data": (
            "in a sum the gradient is multiplied by the operand: d(a + b)/da is 1",
            {"_sum": "data"},
        ),
        "sum_second_forgotten": ("in a sum only the first operand gets a gradient", {"_sum": "first"}),
        "chain_rule_missing": (
            "an operation hands on its own derivative without multiplying by the gradient of its result: that is the chain rule",
            {"_chain": False},
        ),
        "power_not_lowered": ("d(xⁿ)/dx is n xⁿ⁻¹: the exponent is not lowered by 1", {"_pow": "same power"}),
        "power_without_factor": ("d(xⁿ)/dx is n xⁿ⁻¹: the factor n is missing", {"_pow": "no factor"}),
        "power_factor_lowered": ("d(xⁿ)/dx is n xⁿ⁻¹: the factor is n, not n - 1", {"_pow": "factor n-1"}),
        "power_as_exponential": (
            "xⁿ is differentiated as if n were the variable (xⁿ log x): n is a plain number here",
            {"_pow": "log"},
        ),
        "exp_times_x": ("d exp(x)/dx is exp(x), the result itself, not x", {"_exp": "x"}),
        "exp_as_sum": ("exp hands its gradient on unchanged: it has to be multiplied by exp(x)", {"_exp": "one"}),
        "tanh_of_input": (
            "d tanh(x)/dx is 1 - tanh(x)²: it is the result that is squared, not x",
            {"_tanh": "x"},
        ),
        "tanh_as_sigmoid": ("t (1 - t) is the derivative of a sigmoid: that of tanh is 1 - t²", {"_tanh": "sigmoid"}),
        "tanh_not_squared": ("d tanh(x)/dx is 1 - t²: the square is missing", {"_tanh": "t"}),
        "numbers_on_the_left": (
            "2 + x and 3 * x fail: with a plain number on the left Python calls __radd__ and __rmul__ of the Value",
            {"_left": False},
        ),
    },
)
