"""The learner's side: the plan, the path, exercises and their judge, evidence and progress. Nothing here imports torch at import."""
