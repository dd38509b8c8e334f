"""Wrong answers to the contractions that people really give."""

import torch

from headway.learn.cases import mistake


@mistake("the result is (b t h k): the heads have to come before the positions, `->bhtk`", of="split_heads")
def positions_before_heads(x, weight):
    return torch.einsum("btd,hdk->bthk", x, weight)


@mistake(
    "h is missing on the right of `->`, so the heads are added up: (b t k) in place of (b h t k)", of="split_heads"
)
def heads_summed(x, weight):
    return torch.einsum("btd,hdk->btk", x, weight)


@mistake(
    "(b t h*k) is cut into (b h t k) by a reshape: that takes the first numbers of a row for head 0, whatever their position. "
    "Reshape to (b t h k), then transpose",
    of="split_heads",
)
def reshaped_into_heads(x, weight):
    b, t, d = x.shape
    h, _, k = weight.shape
    return (x @ weight.permute(1, 0, 2).reshape(d, h * k)).reshape(b, h, t, k)


@mistake(
    "the weight (h d k) is reshaped to (d h*k) as it lies: its axes have to be brought into the order d, h, k before "
    "(permute(1, 0, 2))",
    of="split_heads",
)
def weight_reshaped(x, weight):
    b, t, d = x.shape
    h, _, k = weight.shape
    return (x @ weight.reshape(d, h * k)).reshape(b, t, h, k).transpose(1, 2)


@mistake(
    "the heads of the weight are matched with the positions of x (one letter, or one broadcast axis, for both): every position "
    "gets only one head's matrix",
    of="split_heads",
)
def heads_matched_with_positions(x, weight):
    out = torch.einsum("bhd,hdk->bhk", x, weight)
    return out.unsqueeze(2).expand(-1, -1, x.shape[1], -1)


@mistake(
    "the weight is used the wrong way round, (h k d): the sum has to run over d, its second axis", of="split_heads"
)
def weight_transposed(x, weight):
    return torch.einsum("btd,hkd->bhtk", x, weight)


@mistake("every head gets the matrix of head 0", of="split_heads")
def first_matrix_for_all(x, weight):
    return torch.einsum("btd,dk->btk", x, weight[0]).unsqueeze(1).expand(-1, weight.shape[0], -1, -1)


@mistake("the heads are averaged, where they have to be added up", of="merge_heads")
def heads_averaged(x, weight):
    return torch.einsum("bhtk,hkd->btd", x, weight) / x.shape[1]


@mistake("the heads are not added up: h is still an axis of the result", of="merge_heads")
def heads_kept(x, weight):
    return torch.einsum("bhtk,hkd->bhtd", x, weight)


@mistake("h is put before t in the result, and k is summed alone: (b t h d) in place of (b t d)", of="merge_heads")
def heads_kept_behind_positions(x, weight):
    return torch.einsum("bhtk,hkd->bthd", x, weight)


@mistake(
    "(b h t k) is reshaped to (b t h*k) as it lies, which mixes heads and positions: transpose h and t first, then reshape",
    of="merge_heads",
)
def reshaped_out_of_heads(x, weight):
    b, h, t, k = x.shape
    return x.reshape(b, t, h * k) @ weight.reshape(h * k, -1)


@mistake(
    "the features are joined in the order k, h, but the weight's rows in the order h, k: both have to be joined alike",
    of="merge_heads",
)
def joined_in_two_orders(x, weight):
    b, h, t, k = x.shape
    return x.permute(0, 2, 3, 1).reshape(b, t, k * h) @ weight.reshape(h * k, -1)


@mistake(
    "the weight is used the wrong way round, (h d k): the sum has to run over k, its second axis", of="merge_heads"
)
def output_weight_transposed(x, weight):
    return torch.einsum("bhtk,hdk->btd", x, weight)


@mistake("the heads are added up before they are projected, all by the same matrix", of="merge_heads")
def summed_before(x, weight):
    return torch.einsum("btk,kd->btd", x.sum(1), weight.sum(0) / weight.shape[0])


@mistake(
    "x and y have separate batches: `b` has to be one letter, else every row meets every row, (b b o)",
    of="bilinear",
)
def batch_against_batch(x, weight, y):
    return torch.einsum("bi,oij,cj->bco", x, weight, y)


@mistake("o is missing on the right of `->`: the outputs are added up to one number per row", of="bilinear")
def outputs_summed(x, weight, y):
    return torch.einsum("bi,oij,bj->b", x, weight, y)


@mistake("b is missing on the right of `->`: the rows of the batch are added up", of="bilinear")
def batch_summed(x, weight, y):
    return torch.einsum("bi,oij,bj->o", x, weight, y)


@mistake("x and y have changed places: W_o is (i j), x goes with i and y with j", of="bilinear")
def operands_swapped(x, weight, y):
    return torch.einsum("bj,oij,bi->bo", x, weight, y)


@mistake("i and j are one letter: only the diagonals of the matrices W_o are used", of="bilinear")
def diagonal_only(x, weight, y):
    return torch.einsum("bi,oii,bi->bo", x, weight, y)


@mistake("the result is (o b): the batch has to come first", of="bilinear")
def outputs_before_batch(x, weight, y):
    return torch.einsum("bi,oij,bj->ob", x, weight, y)


@mistake(
    "two linear maps are added, x W and W y: a bilinear form multiplies x and y",
    of="bilinear",
)
def added_maps(x, weight, y):
    return torch.einsum("bi,oij->bo", x, weight) + torch.einsum("oij,bj->bo", weight, y)
