"""Tables and figures made from the records, next to the paper's numbers."""
