"""The SMPP server for customers: binds, submits in, receipts and replies out. It translates and never decides."""
