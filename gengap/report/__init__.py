"""Tables and figures from the records, beside the paper's numbers."""
