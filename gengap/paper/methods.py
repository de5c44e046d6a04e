"""The paper's five methods in the order of its tables, each with the label of its column."""

# Labels with a plus are cumulative: +GBN is LB+LR+GBN, +RA is LB+LR+GBN+RA.
LABELS = {"sb": "SB", "lb": "LB", "lb_lr": "+LR", "lb_gbn": "+GBN", "lb_ra": "+RA"}
METHODS = tuple(LABELS)
