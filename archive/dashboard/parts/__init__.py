"""The parts of the page, as they stand in it: markup, style and script."""
