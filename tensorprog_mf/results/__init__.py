"""Labelled results: their schema, files, comparison, error bars and figures."""
