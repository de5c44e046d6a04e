"""The questions of a sceptical reader: tuned learning rates, and what each part of a method does."""
