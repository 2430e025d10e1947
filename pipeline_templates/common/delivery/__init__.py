"""How this project becomes a registered model version; the platform's part of the project."""
