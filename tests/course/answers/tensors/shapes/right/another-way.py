from einops import rearrange


def patches(images, p):
    return rearrange(images, "b c (i p) (j q) -> b (i j) (c p q)", p=p, q=p)


def unpatch(patches, p, h, w):
    return rearrange(patches, "b (i j) (c p q) -> b c (i p) (j q)", i=h // p, p=p, q=p)
