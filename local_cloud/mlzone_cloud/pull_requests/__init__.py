"""CodeCommit's pull requests: their records, API, merges and comments.

Sources: AWS CodeCommit API Reference; AWS CodeCommit User Guide, monitoring events.
"""
