"""Verbs of the programme: (session, …) → result. They flush and never commit; whoever stands at the edge commits."""
