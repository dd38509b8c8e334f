"""What a model is for, as functions that return data: the same calls behind the command line, the page and your own code.

    from headway import use, zoo

    smol = zoo.load("smollm2-135m")
    print(use.chat(smol, "What is the capital of France?").read())

function      input                       result
go_on         a text                      `Reply`: the text that follows, piece by piece
chat          a question                  `Reply`: the answer (`conversation` holds several turns)
fill          a text with gaps            a `Gap` for each: the likeliest tokens
label         a text                      `Choice`s: the text's labels by probability
label_tokens  a text                      a `TokenLabel` for each token
compare       texts or pictures           `Likeness`: a vector each, and the cosine of each with each
rewrite       a text                      `Rewritten`: a translation, a summary, what the model was trained to make of it
hear          a sound                     `Spoken`s: what is said in each half minute
see           a picture                   `Choice`s: its classes by probability
importance    a picture                   `Importance`: what stands out in it
match         pictures and texts          for each picture, `Choice`s: how well each text fits
answer        pictures and a question     `Reply`
act           an episode                  `Action`: what to do next
export        a folder                    `Exported`: the model written there, as Hugging Face has it

Each takes a model from `headway.zoo.load` first, and says in one line (`HeadwayError`) what is wrong with its input. Which of
them a model is made for, `natural` says.
"""

from headway.sample.conversation import Conversation
from headway.sample.filters import GREEDY, Sampling
from headway.sample.text import Reply
from headway.sample.transcribe import Spoken
from headway.use.decisions import act
from headway.use.differences import Difference, difference
from headway.use.folders import Exported, export
from headway.use.naturally import Task, natural
from headway.use.pictures import answer, importance, match, see
from headway.use.results import Action, Choice, Gap, Importance, Likeness, Place, Rewritten, TokenLabel
from headway.use.sounds import hear
from headway.use.texts import chat, conversation, fill, go_on, label, label_tokens, randomness, rewrite
from headway.use.vectors import compare

__all__ = [
    "GREEDY",
    "Action",
    "Choice",
    "Conversation",
    "Difference",
    "Exported",
    "Gap",
    "Importance",
    "Likeness",
    "Place",
    "Reply",
    "Rewritten",
    "Sampling",
    "Spoken",
    "Task",
    "TokenLabel",
    "act",
    "answer",
    "chat",
    "compare",
    "conversation",
    "difference",
    "export",
    "fill",
    "go_on",
    "hear",
    "importance",
    "label",
    "label_tokens",
    "match",
    "natural",
    "randomness",
    "rewrite",
    "see",
]
