"""The story of `mlzone demo`: API calls, deployed templates, processes; no step only prints."""
