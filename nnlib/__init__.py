"""A neural network in numpy that reads handwritten digits, and all that can be done with it."""
