"""The paper library: records, the notes that hold them, and the formats and services other programs speak.

    papers.toml, notes, .bib, .ris, CSL JSON, arXiv, DOI, Zotero  ->  Paper  ->  a note, .bib, .ris, CSL JSON, Markdown, Zotero

A record lives in the front matter of the learner's note, `papers/<key>.md`; below it stands what the learner wrote, which
nothing here ever touches. This package knows nothing of plans and progress: the command line joins them.
"""
