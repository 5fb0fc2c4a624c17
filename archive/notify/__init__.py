"""Notifications of new problems and recoveries, sent to where people are.

`changes` compares what is with what a recipient was last notified of, `notification` words it, `send` sends
it.
"""
