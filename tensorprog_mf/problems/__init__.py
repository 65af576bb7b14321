"""What is learned: examples, targets, losses, and how people's data become them."""
