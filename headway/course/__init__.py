"""Content only: the path, the papers, the lessons and the exercises. Imports from headway, never the reverse."""
