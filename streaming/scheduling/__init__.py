"""Tasks to verdicts: which key may call when, what is asked, what the answer means."""
