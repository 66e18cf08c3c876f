"""Workers in processes and on machines of their own: killed, cut off, with wrong clocks."""
