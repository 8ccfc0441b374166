"""What the fields of the book's applications need: first what several of them share, then a module a field."""
