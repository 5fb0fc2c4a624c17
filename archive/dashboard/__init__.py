"""The dashboard: one self-contained HTML file that shows the fleet, made from the reports.

`gathered` runs the reports, `history` reads the jobs of the appliances that are shown individually,
`packed` encodes both, and `page` puts them into the page. The page's script and style are in `parts/`.
"""
