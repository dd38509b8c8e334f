"""What is asked of the patches, and the answer they are held against."""

from headway.learn.cases import Call, case, law, near, note

ORDER = 0
ENTRIES = ("patches", "unpatch")
RETURNS = {"patches": "b n c*p*p", "unpatch": "b c h w"}
SIZES = {"b": (1, 3), "c": (1, 4), "rows": (1, 4), "cols": (1, 4), "p": (1, 4)}


def patches(images, p):
    b, c, h, w = images.shape
    cut = note("both axes cut in two (b c rows p cols p)", images.reshape(b, c, h // p, p, w // p, p))
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * p * p)


def unpatch(patches, p, h, w):
    b = len(patches)
    cut = patches.reshape(b, h // p, w // p, -1, p, p)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, h, w)


@case("cut, all sizes above 1", b=(2, 3), c=(2, 4), rows=(2, 4), cols=(2, 4), p=(2, 4), draws=6)
def apart(d):
    return Call("patches", images=d.normal("b c rows*p cols*p"), p=d.p)


@case("cut, any sizes", draws=10)
def any_apart(d):
    return Call("patches", images=d.normal("b c rows*p cols*p"), p=d.p)


@case("cut, large sizes", c=(5, 8), rows=(5, 7), cols=(8, 10), p=5, draws=1)
def large(d):
    return Call("patches", images=d.normal("b c rows*p cols*p"), p=d.p)


@case("cut, one patch in all", b=(1, 3), c=(2, 4), rows=1, cols=1, p=(2, 4), draws=3)
def one_patch(d):
    return Call("patches", images=d.normal("b c p p"), p=d.p)


@case("joined, one patch in all", b=(1, 3), c=(2, 4), rows=1, cols=1, p=(2, 4), draws=3)
def one_patch_joined(d):
    return Call("unpatch", patches=d.normal("b 1 c*p*p"), p=d.p, h=d.p, w=d.p)


@case("joined, all sizes above 1", b=(2, 3), c=(2, 4), rows=(2, 4), cols=(2, 4), p=(2, 4), draws=6)
def joined(d):
    return Call("unpatch", patches=d.normal("b rows*cols c*p*p"), p=d.p, h=d.rows * d.p, w=d.cols * d.p)


@case("joined, any sizes", draws=10)
def any_joined(d):
    return Call("unpatch", patches=d.normal("b rows*cols c*p*p"), p=d.p, h=d.rows * d.p, w=d.cols * d.p)


@law("unpatch does not undo patches")
def undone(learner, d):
    images = d.normal("b c rows*p cols*p")
    return near(learner.unpatch(learner.patches(images, d.p), d.p, *images.shape[2:]), images)


@law("the first patch is not the corner of the image at the top left", p=(2, 4), cols=(2, 4))
def corner(learner, d):
    images = d.normal("b c rows*p cols*p")
    return near(learner.patches(images, d.p)[:, 0], images[:, :, : d.p, : d.p].reshape(d.b, -1))
