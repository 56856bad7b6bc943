"""What a recorded change costs, beside others' logs, and what the log needs: `make bench`.

Nothing is asserted: a time says more of the machine than of the product. What can be compared is
measured side by side, in one process, in units of the plainest commit there is.
"""
