"""The wire API in SMSFactor's format, so that its clients work unchanged.

Here: one file with all routes, one per noun that is spoken of, and how JSON, XML, forms and credentials are
read.
Never here: what a request leads to; that is the use cases' business.
"""
