"""The exact join of two sets of unit rows: which rows are close to which.

::

    query (n, d) ─┬─ blocks ─┐
                  │          ├─ tile: approximate similarities of known error     tiles.py
    base  (m, d) ─┴─ tiles ──┘     │ pairs above a floor that rises as rows are read
                                   ▼
                   k nearest · all above · top · histogram      collect.py, tiles.py
                                   │ the few survivors, settled without error
                                   ▼
                         similarity, correctly rounded          exact.py

``reference.py`` says in a few lines what `join` must return. All else returns the same bits
sooner, in bounded memory (``plan.py``): ``block.py`` is one thread's part, ``run.py`` puts the
parts together.
"""
