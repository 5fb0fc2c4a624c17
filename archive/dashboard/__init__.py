"""The dashboard: one HTML file that shows the fleet, made from the reports, and needs nothing else.

`gathered` asks the reports, `history` reads the jobs of the appliances that are shown one by one,
`packed` makes bytes of both, and `page` writes them into the page, whose own script and style are in `parts/`.
"""
