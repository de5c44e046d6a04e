"""Questions of a skeptical reader: tuned learning rates, and what each part of a method does."""
