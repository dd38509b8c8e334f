"""One letter per axis, for the whole project: what the shape annotations mean."""

AXES = {
    "b": "batch: rows that know nothing of each other",
    "t": "query time: positions of this call",
    "s": "key time: positions that can be looked at (past and present)",
    "d": "width of the residual stream",
    "h": "query heads",
    "g": "key/value heads (groups); g divides h",
    "k": "head width",
    "w": "value width of a head, where it differs from k",
    "f": "width inside the feed-forward layer",
    "v": "vocabulary",
    "half": "pairs of features: half the head width",
    "n": "state size of a recurrent layer",
    "c": "channels of a picture or a sound",
    "e": "experts",
    "p": "patches of a picture",
}
