"""The learner's side: the plan, the path, exercises and their judge, evidence and progress. No torch at import."""
