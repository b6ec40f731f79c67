"""The API keys of the vision language model."""
