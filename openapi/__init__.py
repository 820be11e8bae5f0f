"""The description of the API: an OpenAPI document, made of the doors' own request models and table of errors."""
