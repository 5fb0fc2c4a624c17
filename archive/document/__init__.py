"""One job's document, without a database: schema, parsing, repair, rows, and back.

`parse` is the way in: it validates a document (`schema`, by compiled code in `structures` and
`parts`), repairs one that the schema refuses (`repair`), and turns it into rows (`flatten`).
`rebuild` is the way back, and `canonical` the form in which both are compared. Everything here is
pure: same input, same output, no clock.
"""
