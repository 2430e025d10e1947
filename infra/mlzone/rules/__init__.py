"""Rules over cloud assemblies: what a template must hold, whoever wrote it."""
