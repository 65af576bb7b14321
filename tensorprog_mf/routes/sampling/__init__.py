"""What the routes that sample sites share."""
