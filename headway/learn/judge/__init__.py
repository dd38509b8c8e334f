"""The judge: a learner's file and an exercise in, a verdict out.

The story in the order in which it happens: `front` asks, `warm` forks, `judging` decides, and on its way there `process` and
`child` run the learner's code within the bounds of `limits` and `forbidden`, `trials` draws inputs, `perform` carries out one
call, `compare` looks at what came, `laws` at what must hold, `recognise` and `explain` say what is wrong, and a `Verdict`
travels back.
"""

from headway.learn.judge.front import Judge, judge, new_seed
from headway.learn.judge.verdict import CheckRequest, Verdict

__all__ = ["CheckRequest", "Judge", "Verdict", "judge", "new_seed"]
