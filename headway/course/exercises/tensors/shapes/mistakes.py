"""Wrong answers to the patches that people really give."""

import math

from headway.learn.cases import switches


def patches(images, p, *, _cut="blocks", _order=(0, 2, 4, 1, 3, 5), _join="rows", _step=None):
    """The right answer, with a switch per mistake."""
    b, c, h, w = images.shape
    rows, cols = h // p, w // p
    if _step:
        cut = images.unfold(2, p, _step).unfold(3, p, _step)
        return cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    if _cut == "blocks":
        cut = images.reshape(b, c, rows, p, cols, p)
    elif _cut == "strided":
        cut = images.reshape(b, c, p, rows, p, cols).permute(0, 1, 3, 2, 5, 4)
    elif _cut == "swapped":
        cut = images.reshape(b, c, cols, p, rows, p).permute(0, 1, 4, 3, 2, 5)
    elif _cut == "channels last":
        cut = images.reshape(b, rows, p, cols, p, c).permute(0, 5, 1, 2, 3, 4)
    elif _cut == "channels joined":
        return images.reshape(b, c, rows, p, cols, p).permute(0, 1, 2, 4, 3, 5).reshape(b, rows * cols, c * p * p)
    else:
        return images.reshape(b, rows * cols, c * p * p)
    moved = cut.permute(_order)
    if _join == "rows":
        return moved.reshape(b, rows * cols, c * p * p)
    if _join == "grid":
        return moved.reshape(b, rows, cols, c * p * p)
    if _join == "features first":
        return moved.reshape(b, rows * cols, c * p * p).mT
    if _join == "squares":
        return moved.reshape(b, rows * cols, c, p, p)
    return moved.reshape(b * rows * cols, c * p * p)


APART = switches(
    patches,
    {
        "reshaped_only": (
            "the image is reshaped to the right shape and no axis moved: a reshape draws borders elsewhere and moves no number, "
            "so each patch is a piece of a row. Cut h and w in two, permute, then join",
            {"_cut": "none"},
        ),
        "rows_and_p_swapped": (
            "the axes are cut the wrong way round, h into (p, rows): each patch takes every {rows}th pixel. What is further "
            "apart stands outside: h into (rows, p)",
            {"_cut": "strided"},
        ),
        "cols_for_rows": (
            "the number of rows and of columns are exchanged where h and w are cut: right for square images only",
            {"_cut": "swapped"},
        ),
        "images_taken_as_channels_last": (
            "the image is cut as if it were (b h w c): it is (b c h w)",
            {"_cut": "channels last"},
        ),
        "channels_left_in_front": (
            "the channels stay in front of the places, and the last reshape mixes them: they have to move behind them, into the "
            "patch",
            {"_cut": "channels joined"},
        ),
        "channels_last_in_the_patch": (
            "within a patch the channel is the last axis, (p p c): channel, row, column are asked for",
            {"_order": (0, 2, 4, 3, 5, 1)},
        ),
        "turned_within_the_patch": (
            "within a patch rows and columns are exchanged: row before column",
            {"_order": (0, 2, 4, 1, 5, 3)},
        ),
        "column_by_column": (
            "the patches come column by column: row by row, as one reads",
            {"_order": (0, 4, 2, 1, 3, 5)},
        ),
        "strips_not_squares": (
            "the axes keep their order behind the rows of patches, so that a vector is a piece of a strip and no square: the "
            "columns of patches have to stand before the pixels, permute to (b rows cols c p p)",
            {"_order": (0, 2, 1, 3, 4, 5)},
        ),
        "grid_not_joined": (
            "rows and columns of patches are two axes still: one of {rows*cols} is asked for",
            {"_join": "grid"},
        ),
        "features_first": (
            "the features come before the places, (b c*p*p n), as `unfold` gives them: transpose",
            {"_join": "features first"},
        ),
        "squares_not_joined": (
            "a patch has three axes still, (c p p): one of {c*p*p} is asked for",
            {"_join": "squares"},
        ),
        "batch_joined": (
            "the patches of all images are in one axis: the batch stays an axis of its own",
            {"_join": "batch"},
        ),
        "overlapping": (
            "the squares overlap, cut at every pixel: at every {p}th",
            {"_step": 1},
        ),
    },
    of="patches",
)


def unpatch(patches, p, h, w, *, _cut="c p p", _order=(0, 3, 1, 4, 2, 5), _grid="given", _shape="b c h w"):
    """The right answer, with a switch per mistake."""
    b, n, d = patches.shape
    c = d // (p * p)
    rows, cols = h // p, w // p
    if _grid == "square":
        rows = cols = math.isqrt(n)
        h, w = rows * p, cols * p
    elif _grid == "swapped":
        rows, cols = cols, rows
    if _cut == "none":
        return patches.reshape(b, c, h, w)
    if _grid == "columns first":
        cut = patches.reshape(b, cols, rows, c, p, p).permute(0, 2, 1, 3, 4, 5)
    elif _cut == "c p p":
        cut = patches.reshape(b, rows, cols, c, p, p)
    elif _cut == "c first":
        cut = patches.reshape(b, c, rows, cols, p, p).permute(0, 2, 3, 1, 4, 5)
    else:
        cut = patches.reshape(b, rows, cols, p, p, c).permute(0, 1, 2, 5, 3, 4)
    moved = cut.permute(_order)
    if _shape == "b h w c":
        return moved.reshape(b, c, h, w).permute(0, 2, 3, 1)
    if _shape == "one image":
        return moved.reshape(b, c, h, w)[0]
    return moved.reshape(b, c, h, w)


JOINED = switches(
    unpatch,
    {
        "joined_by_reshape_only": (
            "the patches are reshaped to the right shape and no axis moved: cut, permute, then join",
            {"_cut": "none"},
        ),
        "joined_as_channels_last": (
            "the numbers of a patch are taken to be (p p c): they are (c p p)",
            {"_cut": "p p c"},
        ),
        "joined_with_channels_in_front": (
            "the patches are cut as if the channels stood before the places: they are within the patch",
            {"_cut": "c first"},
        ),
        "joined_with_p_outside": (
            "p is put outside of rows and cols: neighbouring pixels of a patch end up far apart. (rows p) and (cols p), in this "
            "order, become h and w",
            {"_order": (0, 3, 4, 1, 5, 2)},
        ),
        "joined_turned": (
            "rows and columns are exchanged within each patch: row before column",
            {"_order": (0, 3, 1, 5, 2, 4)},
        ),
        "joined_without_moving": (
            "the columns of patches are not moved behind the rows of pixels: the order is (b c rows p cols p)",
            {"_order": (0, 3, 1, 2, 4, 5)},
        ),
        "joined_as_a_square": (
            "the number of rows is taken to be the root of {rows*cols}: images need not be square, h and w are given",
            {"_grid": "square"},
        ),
        "joined_with_rows_for_cols": (
            "the number of rows and of columns are exchanged: h / p rows, w / p columns",
            {"_grid": "swapped"},
        ),
        "joined_column_by_column": (
            "the patches are laid column by column: row by row, as one reads",
            {"_grid": "columns first"},
        ),
        "joined_to_channels_last": ("the image comes as (b h w c): (b c h w)", {"_shape": "b h w c"}),
        "joined_first_image_only": ("the first image alone is returned: all of them", {"_shape": "one image"}),
    },
    of="unpatch",
)
