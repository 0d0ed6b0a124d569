"""A page inside a notebook."""

import html


def in_frame(page: str) -> str:
    """Return a page as a frame of its own, in which no script runs.

    >>> in_frame('<p class="a">')[:39]
    '<iframe srcdoc="&lt;p class=&quot;a&quo'
    """
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox '
        'style="width:100%;height:40rem;border:0"></iframe>'
    )
