"""A release from draft to publication: revisions, the workflow, who did what and when."""
