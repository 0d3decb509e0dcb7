"""Documents on the web: which addresses may be fetched, and fetching them."""
