"""Code that ships into AWS: Lambda handlers, the monitor analyzer, the model server."""
