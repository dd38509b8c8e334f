"""What stands in bibliographies that people and programs have written: each row is one that was read wrongly once, or its kin."""

from __future__ import annotations

import json
import time
import warnings

import bibtexparser
import pytest

from headway.base.paper import Name, Paper, arxiv_id, doi, plain, read_name
from headway.papers import bibtex, csl, ris
from headway.papers.entries import Broken, PaperEntry
from headway.papers.latex import decode, decode_address, encode_title, protected_words


def the_one(text: str, module=bibtex) -> Paper:
    entries = list(module.read(text))
    assert [type(entry) for entry in entries] == [PaperEntry], entries
    return entries[0].record


def of(fields: str, kind: str = "article") -> Paper:
    return the_one(f"@{kind}{{k, title={{T}}, {fields}}}")


# -- identifiers and addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        r"10.1007/978-3-319-24574-4{\_}28",
        r"10.1007/978-3-319-24574-4\_28",
        "10.1007/978-3-319-24574-4_28",
        r"10.1007/978-3-319-24574-4{\textunderscore}28",
        r"10.1007/978-3-319-24574-4$\_$28",
        r"{10.1007/978-3-319-24574-4{\_}28}",
        "https://doi.org/10.1007/978-3-319-24574-4_28",
        "http://dx.doi.org/10.1007/978-3-319-24574-4_28",
        "doi.org/10.1007/978-3-319-24574-4_28",
        "https://www.doi.org/10.1007/978-3-319-24574-4_28",
        "doi:10.1007/978-3-319-24574-4_28",
        "DOI: https://doi.org/10.1007/978-3-319-24574-4_28",
        "DOI 10.1007/978-3-319-24574-4_28",
        "info:doi/10.1007/978-3-319-24574-4_28",
        "urn:doi:10.1007/978-3-319-24574-4_28",
        "https://doi-org.proxy.library.edu/10.1007/978-3-319-24574-4_28",
        r"\url{https://doi.org/10.1007/978-3-319-24574-4_28}",
        "10.1007%2F978-3-319-24574-4_28",
        "10.1007/978-3-319-\n   24574-4_28",
        "10.1007/978-3-319-24574-4_28.",
    ],
)
def test_one_doi_in_many_clothes(written: str) -> None:
    assert of(f"doi={{{written}}}").doi == "10.1007/978-3-319-24574-4_28"


def test_unusual_dois() -> None:
    assert of(
        r"doi={10.1002/(SICI)1097-0258(19980815)17:15{\textless}1661::AID-SIM968{\textgreater}3.0.CO;2-2}"
    ).doi == ("10.1002/(sici)1097-0258(19980815)17:15<1661::aid-sim968>3.0.co;2-2")
    assert of("doi={10.1000.10/123}").doi == "10.1000.10/123"
    assert of("doi={10.1000/ünïcode}").doi == "10.1000/ünïcode"
    assert of("doi={10.1000/a\\&b\\#c\\%d}").doi == "10.1000/a&b#c%d"
    assert of("doi={no doi}").doi is None
    assert of("url={https://doi.acm.org/10.1145/3292500.3330701}").doi == "10.1145/3292500.3330701"


@pytest.mark.parametrize(
    "written",
    [
        r"http://a.edu/\~{}me", r"http://a.edu/{\textasciitilde}me", r"http://a.edu/{$\sim$}me", r"http://a.edu/$\sim$me",
        r"http://a.edu/\textasciitilde me", r"http://a.edu/\textasciitilde{}me", r"http://a.edu/\string~me", "http://a.edu/~me",
        r"http://a.edu/{\~{}}me", r"\url{http://a.edu/~me}", r"{http://a.edu/~me}", "http:\\/\\/a.edu\\/~me",
        r"\href{http://a.edu/~me}{my page}", "<http://a.edu/~me>",
    ],
)  # fmt: skip
def test_one_address_in_many_clothes(written: str) -> None:
    assert of(f"url={{{written}}}").url == "http://a.edu/~me"


def test_what_is_escaped_in_an_address() -> None:
    assert of(r"url={http://a.edu/x{\%}20y?a=1\&b=2\#c{\_}d}").url == "http://a.edu/x%20y?a=1&b=2#c_d"
    assert of("url={http://a.edu/?a=1&amp;b=2}").url == "http://a.edu/?a=1&b=2"
    assert of(r"howpublished={\url{http://a.edu/a_b}}", "misc").url == "http://a.edu/a_b"
    assert of(r"howpublished={\url{http://a.edu/a_b}}", "misc").venue is None
    assert of(r"url={http://a.edu/\{x\}}").url == "http://a.edu/x", "braces are no part of an address"


@pytest.mark.parametrize(
    "fields",
    [
        "journal={ArXiv}, volume={abs/1706.03762}",  # Semantic Scholar
        "journal={CoRR}, volume={abs/1706.03762}",  # DBLP
        "journal={CoRR}, volume={abs/1706.03762}, eprinttype={arXiv}, eprint={1706.03762}",
        "journal={CoRR abs/1706.03762}",
        "journal={arXiv preprint arXiv:1706.03762}",
        "journal={arXiv preprint arXiv:1706.03762v5}",
        "journal={arXiv:1706.03762 [cs]}",
        "journal={arXiv e-prints}, pages={arXiv:1706.03762}",  # ADS
        "journal={arXiv e-prints}, eid={arXiv:1706.03762}, eprint={1706.03762}",
        "journal={arXiv (Cornell University)}, doi={10.48550/arxiv.1706.03762}",  # OpenAlex
        "journal={arXiv}, number={arXiv:1706.03762}",
        "journal={arXiv}, number={1706.03762}",
        "journal={arXiv preprint 1706.03762}",
        "eprint={1706.03762}, archiveprefix={arXiv}, primaryclass={cs.CL}",
        "eprint={1706.03762v7}, archivePrefix={arXiv}",
        "eprint={arXiv:1706.03762}",
        "eprint={https://arxiv.org/abs/1706.03762}",
        "eprint={abs/1706.03762}, eprinttype={arxiv}",
        "arxivId={1706.03762}",  # Mendeley
        "arxivId={arXiv:1706.03762v1}",
        "note={arXiv:1706.03762}",
        "note={arXiv: 1706.03762 [cs.CL]}",
        "note={Available at https://arxiv.org/abs/1706.03762v2}",
        "howpublished={arXiv preprint arXiv:1706.03762}",
        r"howpublished={\url{https://arxiv.org/abs/1706.03762}}",
        "number={arXiv:1706.03762}, institution={arXiv}",  # Zotero, a report
        "publisher={arXiv}, url={https://arxiv.org/abs/1706.03762}, doi={10.48550/ARXIV.1706.03762}",  # arXiv's own
        "url={http://arxiv.org/pdf/1706.03762.pdf}",
        r"url={https://arxiv.org/abs/1706.03762\#}",
        "doi={https://doi.org/10.48550/arXiv.1706.03762}",
        "series={arXiv preprint arXiv:1706.03762}",
    ],
)
def test_one_arxiv_id_in_many_places(fields: str) -> None:
    record = of(fields)
    assert (record.arxiv, record.venue, record.volume, record.issue, record.pages) == (
        "1706.03762",
        None,
        None,
        None,
        None,
    )
    assert (record.kind, record.doi) == ("preprint", None)


@pytest.mark.parametrize(
    ("fields", "id"),
    [
        ("eprint={cs/0112017v2}", "cs/0112017"),
        ("journal={CoRR}, volume={cs.CL/0112017}", "cs/0112017"),
        ("journal={ArXiv}, volume={abs/cs/0112017}", "cs/0112017"),
        ("eprint={hep-th/9603067}, archiveprefix={arXiv}, primaryclass={hep-th}", "hep-th/9603067"),
        ("eprint={9603067}, archiveprefix={arXiv}, primaryclass={hep-th}", "hep-th/9603067"),
        ("note={arXiv:cond-mat.stat-mech/0101001v1}", "cond-mat/0101001"),
        ("eprint={12345678}, eprinttype={pubmed}", None),
        ("eprint={hal-01234567}, archiveprefix={HAL}", None),
        ("journal={Nature}, volume={521}, pages={436--444}", None),
        ("journal={Journal}, number={1234.5678}", None),
        ("note={see section 1706.03762 of it}", None),
    ],
)
def test_old_and_other_ids(fields: str, id: str | None) -> None:
    assert of(fields).arxiv == id


def test_an_arxiv_paper_that_has_appeared_keeps_both() -> None:
    record = of("journal={Nature}, volume={7}, number={2}, eprint={1706.03762}, archiveprefix={arXiv}")
    assert (record.arxiv, record.venue, record.volume, record.issue, record.kind) == (
        "1706.03762",
        "Nature",
        "7",
        "2",
        "article",
    )


# -- names -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("A. {Delgado de Molina}", Name("Delgado de Molina", "A.")),
        ('Bart {van Merri{\\"e}nboer}', Name("van Merriënboer", "Bart")),
        ('{van Merri{\\"e}nboer}, Bart', Name("van Merriënboer", "Bart")),
        ('Bart van Merri{\\"e}nboer', Name("van Merriënboer", "Bart")),
        ("Carlos {De la Cruz Mengual}", Name("De la Cruz Mengual", "Carlos")),
        ("Juan de la {Fuente Garc{\\'i}a}", Name("de la Fuente García", "Juan")),
        ("Johann {von} Neumann", Name("Neumann", "Johann von")),
        ("Donald~E. Knuth", Name("Knuth", "Donald E.")),
        ("{\\'E}variste Galois", Name("Galois", "Évariste")),
        ("{\\'e}variste de la Galois", Name("évariste de la Galois")),
        ("Sim$\\tilde{a}$o, Jo$\\tilde{a}$o", Name("Simão", "João")),
        ("{Barnes and Noble, Inc.}", Name("Barnes and Noble, Inc.")),
        ("{Google} Research", Name("Research", "Google")),
        ("Gemma Team", Name("Gemma Team")),
        ("Davis, Jr., Sammy", Name("Davis", "Sammy", "Jr.")),
        ("Sammy Davis, Jr.", Name("Davis", "Sammy", "Jr.")),
        ("{Davis Jr.}, Sammy", Name("Davis Jr.", "Sammy")),
        ("Martin Luther King {III}", Name("III", "Martin Luther King")),
        ("family=Oord, given=Aäron, prefix=van den, useprefix=true", Name("van den Oord", "Aäron")),
        ("Wei Wang 0001", Name("Wang", "Wei")),
        ("M&uuml;ller, J&#252;rgen", Name("Müller", "Jürgen")),
        ("Müller, Jürgen", Name("Müller", "Jürgen")),
        ("王, 小明", Name("王", "小明")),
        ("Ho{\\v{s}}ek, \\v{Z}eljko", Name("Hošek", "Željko")),
        ("{\\relax Ch}arles Babbage", Name("Babbage", "Charles")),
        ("S\\o ren \\O stergaard", Name("Østergaard", "Søren")),  # the space ends the command and prints nothing
        ("\\L ukasz Kaiser", Name("Kaiser", "Łukasz")),
        ('\\AA ngstr\\"om, Bj\\o rn', Name("Ångström", "Bjørn")),
        ("Gro\\ss mann", Name("Großmann")),
        ("S\\o{} ren", Name("ren", "Sø")),
        ("{Ernst \\& Young}", Name("Ernst & Young")),
        ("Ernst \\& Young", Name("Young", "Ernst &")),
    ],
)
def test_one_name(written: str, name: Name) -> None:
    assert of(f"author={{{written}}}").authors == (name,)


@pytest.mark.parametrize(
    ("lines", "authors", "title", "venue"),
    [
        ("TY  - BOOK\nA2  - Ed, I. Tor\nTI  - T", [Name("Ed", "I. Tor")], "T", None),
        ("TY  - EDBOOK\nED  - Ed, I. Tor\nBT  - T", [Name("Ed", "I. Tor")], "T", None),
        ("TY  - CHAP\nAU  - A, B\nED  - Ed, I. Tor\nTI  - T\nBT  - V", [Name("A", "B")], "T", "V"),
        ("TY  - JOUR\nAU  - A, B\nA1  - C, D\nCT  - T\nJ1  - V", [Name("C", "D"), Name("A", "B")], "T", "V"),
        ("TY  - JOUR\nAU  - A, B\nA1  - A, B\nTI  - T", [Name("A", "B")], "T", None),
    ],
)
def test_less_usual_tags_of_ris(lines: str, authors: list[Name], title: str, venue: str | None) -> None:
    (entry,) = ris.read(f"{lines}\nER  - \n")
    assert isinstance(entry, PaperEntry)
    assert (list(entry.record.authors), entry.record.title, entry.record.venue) == (authors, title, venue)


@pytest.mark.parametrize(
    "name",
    [Name("A;B", "C"), Name("B", "A;C"), Name("Barnes & Noble", "X"), Name("Et Al", "Z"), Name("Al", "Et al", "Jr.")],
)
def test_a_name_that_looks_like_several_comes_back_as_one(name: Name) -> None:
    (entry,) = bibtex.read(bibtex.write([Paper(key="k", title="T", authors=(name,))]))
    assert isinstance(entry, PaperEntry)
    assert entry.record.authors == (name,)
    assert not entry.record.others


@pytest.mark.parametrize("end", [" et al.", ", et al.", " et. al", " and et al.", " and others"])
def test_a_list_of_authors_that_goes_on(end: str) -> None:
    record = of(f"author={{J. Smith and K. Doe{end}}}")
    assert record.authors == (Name("Smith", "J."), Name("Doe", "K."))
    assert record.others


@pytest.mark.parametrize(
    ("written", "families"),
    [
        ("Doe, J. AND Roe, R.", ["Doe", "Roe"]),
        ("Doe, J. and\n  Roe, R. and others", ["Doe", "Roe"]),
        ("Vaswani, A., Shazeer, N., Parmar, N.", ["Vaswani", "Shazeer", "Parmar"]),
        ("Doe, Jane; Roe, Richard", ["Doe", "Roe"]),
        ("Smith, J.,  Doe, K., and Roe, L.", ["Smith", "Doe", "Roe"]),
        ("J. Smith, K. Doe, and L. Roe", ["Smith", "Doe", "Roe"]),
        ("J. Smith, K. Doe and L. Roe", ["Smith", "Doe", "Roe"]),
        ("John Smith, Kate Doe, Lee van Roe", ["Smith", "Doe", "van Roe"]),
        ("J. Smith \\& K. Doe", ["Smith", "Doe"]),
        ("Smith, J. & Doe, K. & Roe, L.", ["Smith", "Doe", "Roe"]),
        ("Bj\\o and J\\o rgen Roe", ["Bjø", "Roe"]),
        ("{Simon and Schuster} and Anderson, Ann", ["Simon and Schuster", "Anderson"]),
        ("and Doe, J. and and Roe, R. and", ["Doe", "Roe"]),
        ("Alexander Sandor and Andrew Andre", ["Sandor", "Andre"]),
    ],
)
def test_several_names(written: str, families: list[str]) -> None:
    assert [name.family for name in of(f"author={{{written}}}").authors] == families


def test_names_in_ris() -> None:
    text = (
        "TY  - JOUR\nTI  - T\nAU  - Catarina Barata\nAU  - Barata C\nAU  - Barata, Catarina\nAU  - Gemma Team\n"
        "AU  - Barnes Noble,\nAU  - Bart van Merri&euml;nboer\nER  - \n"
    )
    one = Name("Barata", "Catarina")
    assert the_one(text, ris).authors == (
        one,
        Name("Barata", "C"),
        one,
        Name("Gemma Team"),
        Name("Barnes Noble"),
        Name("van Merriënboer", "Bart"),
    )
    record = Paper(key="k", title="T", authors=(Name("Barnes Noble"), Name("Plato"), Name("Gemma Team"), one))
    written = ris.write([record])
    assert "Barnes Noble,\n" in written
    assert "{" not in written
    assert the_one(written, ris) == record


# -- titles ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (r"Sim$\tilde{a}$o", "Simão"),
        (
            r"$\acute{e}$t$\acute{\imath}$ $\ddot{o}$ $\check{s}$ $\grave{a}$ $\hat{e}$ $\mathring{a}$ $\dot{z}$",
            "étí ö š à ê å ż",
        ),
        (r"\"{u}\'{\i}\c{c}\v s\~n\H{o}\k{a}\.z\r{a}\u{g}\d{t}\b{b}\={a}", "üíçšñőążåğṭḇā"),
        (r"{\o}{\O}{\l}{\L}{\ss}{\ae}{\AE}{\oe}{\aa}{\dj}{\th}", "øØłŁßæÆœåđþ"),
        (r"\textcommabelow{s}\.{I}\d{\^o}", "șİộ"),
        (r"$\less$p$\greater$A title$\less$/p$\greater$", "A title"),
        (r"On $\less$i$\greater$E. coli$\less$/i$\greater$", "On E. coli"),
        (r"{\textless}b{\textgreater}Bold{\textless}/b{\textgreater}", "Bold"),
        (r"$<$i$>$It$<$/i$>$", "It"),
        ("<p>A <b>B</b></p>", "A B"),
        ('<jats:p>A <mml:math display="inline"><mml:mi>x</mml:mi></mml:math></jats:p>', "A x"),
        ("Water H<sub>2</sub>O", "Water H2O"),
        (r"A \&amp; B", "A & B"),
        ("A &amp; B", "A & B"),
        ("A &amp;amp; B &#x2013; C &quot;D&quot;", 'A & B – C "D"'),
        (r"\href{http://x.org/a_b}{The title} of it", "The title of it"),
        (r"\texorpdfstring{$x^2$}{x squared} is", "x squared is"),
        (r"A\footnote{thanks to all} title", "A title"),
        (r"\textbf{Bold} and \emph{this} {\it too} \textcolor{red}{red}", "Bold and this too red"),
        (r"$k$-NN, CO$_2$, L$^2$, 5$^{th}$ at 20$^{\circ}$C", "k-NN, CO₂, L², 5th at 20°C"),
        (r"O($n \log n$) with $\alpha \leq 1$", "O(n log n) with α ≤ 1"),
        (r"$\mathcal{O}$, $x^2 + y$", "O, $x^2 + y$"),
        (r"C\#, 100\%, R\&D, a\_b, \$5", "C#, 100%, R&D, a_b, $5"),
        ("{{All Of It}}", "All Of It"),
        ("pages 1--2 --- ``quoted''", "pages 1–2 — “quoted”"),
        (r"\enquote{quoted}", "“quoted”"),
        ("AT&T and R&D; a < b > c, x<y and y>z", "AT&T and R&D; a < b > c, x<y and y>z"),
        ("{BERT}: {P}re-training of {\\'E}cole", "BERT: Pre-training of École"),
    ],
)
def test_one_title(written: str, title: str) -> None:
    assert the_one(f"@article{{k, title={{{written}}}}}").title == title


def test_subtitles_belong_to_titles() -> None:
    assert the_one("@book{k, title={A}, subtitle={B}}").title == "A: B"
    assert the_one("@book{k, title={A: B}, subtitle={B}}").title == "A: B"
    assert the_one("@book{k, title={What is A?}, subtitle={B}}").title == "What is A? B"
    item = {"title": ["A &amp; <i>B</i>"], "subtitle": ["C"], "container-title": ["X &amp; Y"],
            "issued": {"date-parts": [[None]]}, "published-online": {"date-parts": [[2011, 3]]},
            "author": [{"name": "A &amp; B Group"}]}  # fmt: skip
    record = the_one(json.dumps([item]), csl)
    assert (record.title, record.venue, record.year, record.authors) == (
        "A & B: C",
        "X & Y",
        2011,
        (Name("A & B Group"),),
    )
    assert "title = {A \\& {B:} {C}}" in bibtex.write([record])
    assert the_one(json.dumps([{"title": "A", "subtitle": []}]), csl).title == "A"


def test_a_record_is_plain_wherever_it_comes_from() -> None:
    record = Paper(key="k", title="A &lt;i&gt;B&lt;/i&gt;", venue="C &amp; D", publisher="<b>E</b>", pages="1&ndash;5")
    assert (record.title, record.venue, record.publisher, record.pages) == ("A B", "C & D", "E", "1-5")
    assert plain("a<<i>i>b") == "ab", "what a tag leaves behind may be one"


def test_braces_that_protect_are_kept() -> None:
    for written, phrases in (
        ("Exact {G}aussian Processes and {Monte Carlo} for {BERT}", ("Gaussian", "Monte Carlo")),
        ("{{Attention Is All You Need}}", ("Attention Is All You Need",)),
        ("The {\\'E}cole of {Bayes}", ("Bayes",)),
        ("A survey of the {Transformer}", ()),  # it would be protected anyway
        ("{\\LaTeX} and {lower} case", ()),
        ("One {Two Three", ()),
    ):
        assert protected_words(written) == phrases, written
    record = the_one("@article{k, title={Exact {G}aussian Processes for {Monte Carlo} Methods}}")
    written = bibtex.write([record])
    assert "title = {Exact {Gaussian} Processes for {Monte Carlo} Methods}" in written
    assert the_one(written) == record
    assert encode_title("Axes Bowed Axes", ("Axes",)) == "{Axes} Bowed {Axes}"
    assert Paper(key="k", title="T", protected=("Gone",)).protected == ()
    nocase = json.dumps([{"title": 'On <span class="nocase">Bayes</span> and Others Here'}])
    assert the_one(nocase, csl).protected == ("Bayes",)


# -- entries -----------------------------------------------------------------------------------------------------------------


def test_brackets_of_both_kinds() -> None:
    record = the_one('@article(k, title = "A (b) c", journal = {D) e}, year = 2000)')
    assert (record.title, record.venue, record.year) == ("A (b) c", "D) e", 2000)
    record = the_one('@string(acl = "ACL (Annual)")\n@inproceedings{k, title={T}, booktitle=acl}')
    assert record.venue == "ACL (Annual)"
    record = the_one(
        '@STRING{ Acl = {ACL} # " (Annual)" , other = "x" }\n@inproceedings{k, title={T}, booktitle = aCL # { 2020}}'
    )
    assert record.venue == "ACL (Annual) 2020"
    assert the_one("@inproceedings{k, title={T}, booktitle=nowhere}").venue == "nowhere"
    assert the_one('@preamble("\\newcommand{\\x}{) @article(y, }" # " )")\n@misc{k, title={T}}').title == "T"
    assert (
        the_one('@preamble{ "a" # {b} }\n@Comment{jabref-meta: databaseType:bibtex;}\n@misc{k, title={T}}').title == "T"
    )
    assert the_one("@comment{@article{gone, title={Gone}}}\n@misc{k, title={T}}").title == "T"


def test_a_line_that_looks_like_an_entry_within_a_text() -> None:
    record = the_one(
        "@article{k,\n abstract={We use\n@Override(x) and\n@Word(\nas {they} are},\n title={T}, year=2001\n}"
    )
    assert (record.title, record.year) == ("T", 2001)
    assert [
        entry.record.key for entry in bibtex.read("@misc{a, abstract={\n@misc{b, x}}, title={A}}\n@misc{c, title={C}}")
    ] == [
        "a",
        "c",
    ]


def test_what_is_not_read_is_said() -> None:
    (broken,) = bibtex.read("@conference-paper{k,\n title={T}}")
    assert broken == Broken(1, "'@conference-paper' is no type of entry (letters only)")
    assert list(bibtex.read("me@home.org (x)\n@someone_else (said) so\n")) == []
    for text in (
        "@article{k, title={T} year=2}",
        "@article{k, title={T",
        '@article{k, title="T}',
        "@article{k}",
        "@article{k,}",
    ):
        assert [type(one) for one in bibtex.read(text + "\n@misc{after, title={A}}")] == [Broken, PaperEntry], text
        assert [type(one) for one in bibtex.read("@misc{before, title={A}} " + text)] == [PaperEntry, Broken], text


def test_a_broken_entry_costs_itself_only() -> None:
    text = (
        "@article{a, title={never closed,\n year=2001\n}\n"
        "@article{b, title={B}}\n"
        "@article{c, title={C}, year={2001\n"
        "@article{d, title={D}}\n"
        '@article(e, title="E, year=2001)\n'
        "@article{f, title={F}}}\n"
        "@article{g, title={G}}\n"
    )
    found = list(bibtex.read(text))
    assert [one.record.key for one in found if isinstance(one, PaperEntry)] == ["b", "d", "f", "g"]
    assert [one.line for one in found if isinstance(one, Broken)] == [1, 5, 7]


def test_small_liberties() -> None:
    record = the_one(
        '@article{k, , title = "Schr\\"odinger {\\"u}" ,, YEAR = {1999}, year = 2000, pages = 1--2, note = , }'
    )
    assert (record.title, record.year, record.pages) == ("Schrödinger ü", 1999, "1-2")
    one_line = " ".join(f"@article{{k{n}, title={{T {n}}}, year={2000 + n}}}" for n in range(5))
    assert [entry.record.year for entry in bibtex.read(one_line)] == [2000, 2001, 2002, 2003, 2004]
    assert [entry.record.year for entry in bibtex.read(one_line.replace("} @", "}@"))] == [2000, 2001, 2002, 2003, 2004]
    assert (
        the_one("@Article { DBLP:conf/nips/VaswaniSPUJGKP17 ,\n Title={T}}").cite == "DBLP:conf/nips/VaswaniSPUJGKP17"
    )


def test_every_field_is_what_bibtexparser_reads() -> None:
    """The reference reads whole files too; where both take an entry, the fields have to be the same."""
    text = (
        '@string{acl = "ACL"}\n'
        '@article{a, title = {A {Nested {Title}}}, author = "X and {Y}", year = 2001, month = jan, note = acl # " x " # {y}}\n'
        "@book(b, title = {B}, year = {2002}, title = {Again}, date-added = {x})\n"
        "@misc{c:d/e_f+g, howpublished = {\\url{http://x.org/~y}}, abstract = {two\n  lines % of @ text}}\n"
        "% @misc{gone, title={G}}\n"
        "@inproceedings{h, title={H \\& {\\\"o}}, pages = {1--2},}\n"
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = bibtexparser.bparser.BibTexParser(common_strings=False, ignore_nonstandard_types=False)
        parser.bib_database.strings["jan"] = "jan"
        theirs = bibtexparser.loads(text, parser).entries
    ours = list(bibtex._Scan(text).entries())
    plain_space = lambda fields: {name: " ".join(value.split()) for name, value in fields.items()}  # noqa: E731
    assert [one.key for one in ours] == [entry["ID"] for entry in theirs]
    for one, entry in zip(ours, theirs, strict=True):
        assert plain_space(one.fields) == plain_space(
            {name: value for name, value in entry.items() if name not in ("ID", "ENTRYTYPE")}
        )


def test_exports_of_several_programs() -> None:
    scholar = the_one(
        "@article{Vaswani2017AttentionIA,\n  title={Attention is All you Need},\n  author={Ashish Vaswani and Noam M. Shazeer},\n"
        "  journal={ArXiv},\n  year={2017},\n  volume={abs/1706.03762},\n  url={https://api.semanticscholar.org/CorpusID:13756489}\n}"
    )
    assert (scholar.arxiv, scholar.kind, scholar.url) == (
        "1706.03762",
        "preprint",
        "https://api.semanticscholar.org/CorpusID:13756489",
    )
    crossref = the_one(
        " @article{He_2016, title={Deep Residual Learning for Image Recognition}, url={http://dx.doi.org/10.1109/CVPR.2016.90}, "
        "DOI={10.1109/cvpr.2016.90}, booktitle={2016 IEEE Conference on Computer Vision &amp; Pattern Recognition (CVPR)}, "
        "publisher={IEEE}, author={He, Kaiming and Zhang, Xiangyu}, year={2016}, month=June, pages={770\u2013778} }"
    )
    assert (crossref.doi, crossref.url, crossref.pages) == ("10.1109/cvpr.2016.90", None, "770-778")
    assert crossref.venue == "2016 IEEE Conference on Computer Vision & Pattern Recognition (CVPR)"
    jabref = list(
        bibtex.read(
            "% Encoding: UTF-8\n\n@Article{a,\n  author = {Doe, Jane},\n  title  = {T},\n  month  = {#jun#},\n"
            "  groups = {x},\n}\n\n@Comment{jabref-meta: databaseType:bibtex;}\n\n"
            "@Comment{jabref-meta: grouping:\n0 AllEntriesGroup:;\n1 X\\{y:1\\;;\n}\n"
        )
    )
    assert [type(one) for one in jabref] == [PaperEntry]
    biblatex = the_one(
        "@online{a, title = {T}, date = {2017-06-12}, eprint = {1706.03762}, eprinttype = {arxiv}, eprintclass = {cs},\n"
        "  pubstate = {prepublished}, author = {Oord, Aäron family}}"
    )
    assert (biblatex.year, biblatex.arxiv, biblatex.kind) == (2017, "1706.03762", "preprint")


def test_only_a_line_feed_ends_a_line_of_ris() -> None:
    record = the_one("TY  - JOUR\nTI  - One\u2028TY  - two\x0bAU  - three\x85ER  - four\nPY  - 2001\nER  - \n", ris)
    assert record.title == "One TY - two AU - three ER - four"
    assert (record.year, record.authors) == (2001, ())


def test_reading_takes_time_in_proportion() -> None:
    entry = (
        "@article{{k{n}, title={{A Title of {{Some}} Length {n}}}, author={{Doe, Jane and Roe, R.}}, year={{2001}}}}"
    )
    for glue in ("\n", " "):
        text = glue.join(entry.format(n=n) for n in range(5_000))
        start = time.process_time()
        assert sum(isinstance(one, PaperEntry) for one in bibtex.read(text)) == 5_000
        assert time.process_time() - start < 30, "a hundred times what it takes is still far from quadratic"
    for text in (
        "@article{a, title={x\n" * 20_000, "@article{a, title={x " * 20_000, '@article(a, t="\n' * 20_000,
        "@article(a, t={x\n" * 20_000, "@" * 100_000, "@a" * 50_000,
        "@article{a," + " x" * 50_000, "{" * 100_000, '@string(a="' * 20_000,
        "@article{a, t={}" * 20_000 + "}" * 20_000, "@comment{" * 20_000, "@preamble(" * 20_000, "@ " * 50_000, " @a" * 50_000,
    ):  # fmt: skip
        start = time.process_time()
        list(bibtex.read(text))
        assert time.process_time() - start < 30, text[:20]


def test_tex_takes_time_in_proportion() -> None:
    for text in (
        "\\'{" * 30_000, "{" * 100_000, "$" * 100_001, "\\\"{\\'{a" * 10_000 + "}" * 20_000, "\\href{" * 20_000, "\\(" * 50_000,
        "\\footnote[" * 20_000, "\\ensuremath{$" * 10_000, "&lt;" * 30_000, "<" * 100_000, "<i " * 30_000, "<i a=" * 20_000,
    ):  # fmt: skip
        start = time.process_time()
        decode(text), protected_words(text), decode_address(text), plain(text), read_name(text[:2000])
        assert time.process_time() - start < 30, text[:20]
    assert arxiv_id("arxiv:" + " " * 50_000 + "x") is None
    assert doi("doi:" * 10_000) is None
