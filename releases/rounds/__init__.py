"""A round's results: from the officer's file to rows, problems and figures."""
