"""What the side panel of a page shows of this kernel, and what its reader does there. None of it decides about a waiting call."""
