"""Print the table of the README."""

from .text import markdown

print(markdown())
