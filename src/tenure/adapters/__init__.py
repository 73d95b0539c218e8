"""All input and output, one package per technology. Nothing above `app/` imports it, and it decides nothing."""
