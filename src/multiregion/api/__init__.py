"""What is spoken over HTTP: one OpenAPI document, and the handlers that keep it."""
