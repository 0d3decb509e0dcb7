"""One prompt for every row of a table: asked many at a time, kept as they finish, and resumed where they stopped."""
