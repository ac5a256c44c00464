"""The page that describes the API and lets one try it: `/docs`, and `/openapi.json` behind it.

Everything on it is made from the table of routes. What it loads is served from here: no other server is asked.
"""
