"""Weight-tied autoencoders of infinite width, and real ones."""
