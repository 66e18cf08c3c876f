"""What we say: rounds, drafts, the workflow, the newsroom and its feeds.

Promises: every figure in a draft comes from a row of a round; only an approved revision is
published; what is published reaches `subscribers` as one finished Announcement. May import
`app.core` and the doors of `subscribers`, never the roof.
"""
