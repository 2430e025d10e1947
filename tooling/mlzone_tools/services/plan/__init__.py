"""Makes, keeps and checks plans of changes."""
