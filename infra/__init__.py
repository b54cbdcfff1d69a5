"""What makes the generated ones of the templates in this folder. Nothing here runs in a fetch."""
