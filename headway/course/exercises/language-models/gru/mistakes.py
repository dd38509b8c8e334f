"""Wrong answers to the gated recurrent unit that people really give."""

import torch
import torch.nn.functional as F

from headway.learn.cases import switches


def gru_step(
    x, h, w_x, w_h, b_x, b_h, *,
    _reset="after", _mix="z h", _order="rzc", _bias="inside", _act="tanh", _gates="sigmoid", _biases="both", _reads="both",
    _candidate="both", _share=False, _r_of="h",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if _biases in ("none", "x only"):
        b_h = torch.zeros_like(b_h)
    if _biases in ("none", "h only"):
        b_x = torch.zeros_like(b_x)
    if _share:
        w_x, w_h = w_h, w_x
    a = dict(zip(_order, F.linear(x, w_x, b_x).chunk(3, -1), strict=True))
    u = dict(zip(_order, F.linear(h, w_h, b_h).chunk(3, -1), strict=True))
    gate = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "none": lambda y: y}[_gates]
    zero = torch.zeros_like(h)
    r = gate((a["r"] if _reads != "h" else zero) + (u["r"] if _reads != "x" else zero))
    z = gate((a["z"] if _reads != "h" else zero) + (u["z"] if _reads != "x" else zero))
    n = h.shape[-1]
    at = _order.index("c") * n
    w_c, b_c = w_h[at : at + n], b_h[at : at + n]
    inside = {
        "after": r * u["c"],
        "before": F.linear(r * h, w_c, b_c),
        "none": u["c"],
        "z": z * u["c"],
        "all": r * (u["c"] + a["c"]) - a["c"],
        "complement": (1 - r) * u["c"],
    }[_reset]
    if _bias == "outside" and _reset == "after":
        inside = r * F.linear(h, w_c) + b_c
    if _candidate == "x":
        inside = zero
    total = a["c"] + inside
    if _candidate == "h":
        total = inside
    c = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": F.relu, "none": lambda y: y}[_act](total)
    return {
        "z h": z * h + (1 - z) * c,
        "z c": (1 - z) * h + z * c,
        "sum": h + z * c,
        "candidate": c,
        "two": z * h + c,
        "r": r * h + (1 - r) * c,
        "z of new": z * (h + c),
    }[_mix]


STEP = switches(
    gru_step,
    {
        "reset_before_the_matrix": (
            "the reset is before the matrix, U (r ⊙ h), as in the paper: here, as in PyTorch, it is after it, r ⊙ (U h + b)",
            {"_reset": "before"},
        ),
        "z_the_other_way": (
            "z is the other way round, (1 - z) ⊙ h + z ⊙ c: many texts have it so; here z is what is *kept*, z ⊙ h + (1 - z) ⊙ c",
            {"_mix": "z c"},
        ),
        "gates_exchanged": (
            "r and z are exchanged: the weights lie in the order r, z, c",
            {"_order": "zrc"},
        ),
        "candidate_first": (
            "the candidate's weights are looked for at the top: the order is r, z, c",
            {"_order": "crz"},
        ),
        "bias_outside_the_reset": (
            "the candidate's bias of the state is added outside of the reset: r ⊙ (U h + b), with b inside",
            {"_bias": "outside"},
        ),
        "no_reset": ("the reset gate is not used: the candidate reads r ⊙ (U h + b)", {"_reset": "none"}),
        "reset_by_z": ("the candidate is reset by z: by r", {"_reset": "z"}),
        "reset_on_everything": (
            "the reset acts on the input as well, r ⊙ (W x + U h): only on what comes from the state",
            {"_reset": "all"},
        ),
        "reset_complement": (
            "the candidate reads (1 - r) ⊙ (U h + b): it reads r ⊙ (U h + b)",
            {"_reset": "complement"},
        ),
        "mixed_by_r": ("old state and candidate are mixed by r: by z", {"_mix": "r"}),
        "state_added": ("the candidate is added to the old state, h + z ⊙ c: z ⊙ h + (1 - z) ⊙ c", {"_mix": "sum"}),
        "candidate_not_weighed": ("the candidate is not multiplied by 1 - z", {"_mix": "two"}),
        "state_forgotten": ("the candidate is the new state: z ⊙ h + (1 - z) ⊙ c", {"_mix": "candidate"}),
        "sigmoid_candidate": ("the candidate goes through a sigmoid: through tanh", {"_act": "sigmoid"}),
        "relu_candidate": ("the candidate goes through a ReLU: through tanh", {"_act": "relu"}),
        "linear_candidate": ("the candidate goes through nothing: through tanh", {"_act": "none"}),
        "gates_through_tanh": (
            "the gates go through tanh, which may be negative: through a sigmoid",
            {"_gates": "tanh"},
        ),
        "gates_linear": ("the gates go through nothing: through a sigmoid", {"_gates": "none"}),
        "gates_do_not_read_the_state": ("the gates read the input alone: the state too", {"_reads": "x"}),
        "gates_do_not_read_the_input": ("the gates read the state alone: the input too", {"_reads": "h"}),
        "candidate_without_the_state": ("the candidate reads the input alone", {"_candidate": "x"}),
        "no_biases": ("the biases are not used", {"_biases": "none"}),
        "biases_of_the_input_only": ("`b_h` is not used: there are two biases", {"_biases": "x only"}),
        "biases_of_the_state_only": ("`b_x` is not used: there are two biases", {"_biases": "h only"}),
    },
    of="gru_step",
)


def gru(x, h, w_x, w_h, b_x, b_h, *, _carry="state", _out="all", _start="given", _step=None, _time="forward"):
    """The right answer, with a switch per mistake."""
    start = torch.zeros_like(h) if _start == "zero" else h
    state, states = start, []
    steps = x.unbind(1)
    for x_t in steps[::-1] if _time == "backward" else steps:
        before = start if _carry == "none" else state.detach() if _carry == "detached" else state
        state = gru_step(x_t, before, w_x, w_h, b_x, b_h, **(_step or {}))
        states.append(state)
    if _out == "with start":
        states = [start, *states]
    elif _out == "before":
        states = [start, *states[:-1]]
    elif _out == "last":
        return states[-1]
    if _out == "last everywhere":
        states = [states[-1]] * len(states)
    return torch.stack(states, 0 if _out == "time first" else 1)


TEXT = switches(
    gru,
    {
        "state_not_carried": (
            "every step begins with the first state: with that of the step before",
            {"_carry": "none"},
        ),
        "start_ignored": ("`h` is not used: the text begins with zeros", {"_start": "zero"}),
        "last_state_only": ("only the last state comes back: (b t n), all of them", {"_out": "last"}),
        "last_state_everywhere": (
            "the last state stands in every place: the list holds one tensor that is changed in place, or the last t times",
            {"_out": "last everywhere"},
        ),
        "start_among_the_states": (
            "the first of the states is the start: those *after* each input",
            {"_out": "with start"},
        ),
        "states_before_the_inputs": (
            "these are the states before each input: those after it are asked for",
            {"_out": "before"},
        ),
        "time_first": ("the states come as (t b n): (b t n), stack(..., dim=1)", {"_out": "time first"}),
        "backwards": ("the text is read backwards", {"_time": "backward"}),
        "state_detached": (
            "the state is detached between steps: the numbers are right, but no gradient goes back in time",
            {"_carry": "detached"},
        ),
        "text_with_z_the_other_way": (
            "z is the other way round within the text: z ⊙ h + (1 - z) ⊙ c",
            {"_step": {"_mix": "z c"}},
        ),
        "text_with_reset_before": (
            "within the text the reset is before the matrix: r ⊙ (U h + b)",
            {"_step": {"_reset": "before"}},
        ),
    },
    of="gru",
    kinds={"state_detached": "gradient"},
)
