// How search ranks what it finds: as Sphinx does by itself, with the statement of a claim before pages that mention it.
var Scorer = {
  score: ([docname, title, anchor, descr, score]) => {
    const own = { theory: 40, claims: 30, install: 20, figures: -20, changelog: -20 };
    return score + (own[docname] ?? 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
