"""Resource types that are served by code of their own, one module a service."""
