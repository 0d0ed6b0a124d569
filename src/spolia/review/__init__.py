"""The review: what people see in pairs of images, taken blind and turned into an estimate.

::

    run ──> deck ──> page ──> decisions.jsonl ──> tally ──> review.json ──> report
"""
