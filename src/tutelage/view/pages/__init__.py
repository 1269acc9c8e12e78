"""The pages: each module makes some of them from facts, and lists them in ROUTES. Thin: no queries, no figures."""
